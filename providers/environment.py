"""What the environment says about providers. Which variables there are is declared by the provider folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from providers.entries import LLMModelConfig, LLMProviderConfig, PriceConfig, PriceTier
from providers.fields import ConfigError

if TYPE_CHECKING:
    from providers.base.metadata import ProviderMetadata
    from providers.base.models import ListPrice

DEFAULT_ALIAS = "default"
"""The alias that stands for the fallback chain where the environment is all there is."""

_NUMBERS = {
    "LLM_REQUEST_TIMEOUT": ("timeout_s", float),
    "LLM_MAX_RETRIES": ("max_retries", int),
    "LLM_RETRY_DELAY": ("retry_delay_s", float),
    "LLM_RETRY_MAX_DELAY": ("retry_max_delay_s", float),
}
_CHAIN_FIRST = ("openrouter", "portkey")


def call_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that hold for every provider: `LLM_REQUEST_TIMEOUT` and its kin. Raises `ConfigError`."""
    settings: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for variable, (name, kind) in _NUMBERS.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            value: float = kind(text)
        except ValueError:
            value = -1
        if value < 0 or (name == "timeout_s" and not value):
            what = "a whole number" if kind is int else "a number of seconds"
            problems[variable] = f"Must be {what}, not '{text}'."
        else:
            settings[name] = value
    if problems:
        raise ConfigError(problems)
    return settings


def provider_settings(name: str, kind: str, *, environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment sets for the provider `name`.

    The folder's variables count for the provider that has its name; any other provider has those made of its own
    (`lab` → `LAB_API_KEY`, `LAB_BASE_URL`, `LAB_DEFAULT_MODEL`), so that two of a kind never share a key by accident.
    """
    prefix = name.upper().replace("-", "_").replace(".", "_")
    variables: dict[str, tuple[str, ...]] = {
        setting: (f"{prefix}_{setting.upper()}",) for setting in ("api_key", "base_url", "default_model")
    }
    metadata = find_metadata(kind) if name == kind else None
    if metadata is not None:
        variables |= metadata.variables()
    settings = {}
    for setting, names in variables.items():
        value = next((found for variable in names if (found := environ.get(variable, "").strip())), None)
        if value is not None:
            settings["base_url" if setting == "endpoint" else setting] = value
    return settings


def find_metadata(kind: str) -> ProviderMetadata | None:
    """What the folder of this kind declares; None where there is no such folder."""
    from providers.registry import UnknownProviderError, get_registry

    try:
        return get_registry().metadata(kind)
    except UnknownProviderError:
        return None


def configured_providers(environ: Mapping[str, str]) -> dict[str, LLMProviderConfig]:
    """Every provider that the environment gives a key for, and an address where the vendor has none of its own, or an
    address alone where it needs no key; in chain order.
    """
    from providers.registry import get_registry

    preferred = environ.get("PREFERRED_LLM_PROVIDER", "").strip().lower()
    shared = call_settings(environ)
    found: dict[str, LLMProviderConfig] = {}
    registry = get_registry()
    for slug in registry.slugs():
        metadata = registry.metadata(slug)
        settings: dict[str, Any] = dict(provider_settings(slug, slug, environ=environ))
        has_address = "base_url" in settings
        is_open = bool(settings.get("api_key")) and (has_address or metadata.base_url is not None)
        is_wanted = is_open if metadata.needs_key else has_address or slug == preferred
        if is_wanted:
            own: dict[str, Any] = {
                "api_key": settings.pop("api_key", None),
                "base_url": settings.pop("base_url", metadata.base_url),
                "default_model": settings.pop("default_model", metadata.default_model),
            }
            options = {**metadata.option_defaults(), **settings}
            found[slug] = LLMProviderConfig(kind=slug, name=slug, options=options, **own, **shared)
    first = [slug for slug in (preferred, *_CHAIN_FIRST) if slug in found]
    return {slug: found[slug] for slug in dict.fromkeys((*first, *found))}


def listed_models(provider: LLMProviderConfig) -> list[LLMModelConfig]:
    """The models that the provider's folder knows, with the list prices of today."""
    from providers.base.models import load_models
    from providers.registry import get_registry

    today = datetime.now(UTC).date()
    return [
        LLMModelConfig(
            name=entry.name,
            provider=provider.name,
            context_window=entry.context_window,
            max_output_tokens=entry.max_output_tokens,
            capabilities=tuple(sorted(entry.capabilities)),
            price=_price(entry.price_on(today)),
        )
        for entry in load_models(get_registry().folder(provider.kind).path).models.values()
    ]


def listed_price(kind: str, name: str) -> PriceConfig | None:
    """The vendor's list price of today for its model `name`, or None where the folder `kind` doesn't know it."""
    from providers.base.models import load_models
    from providers.registry import UnknownProviderError, get_registry

    try:
        folder = get_registry().folder(kind).path
    except UnknownProviderError:
        return None
    entry = load_models(folder).find(name)
    return _price(entry.price_on(datetime.now(UTC).date())) if entry else None


def _price(listed: ListPrice | None) -> PriceConfig | None:
    if listed is None:
        return None
    return PriceConfig(
        input_usd_per_mtok=listed.input_usd_per_mtok,
        cached_input_usd_per_mtok=listed.cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=listed.cache_write_usd_per_mtok,
        output_usd_per_mtok=listed.output_usd_per_mtok,
        reasoning_usd_per_mtok=listed.reasoning_usd_per_mtok,
        tiers=tuple(PriceTier(**tier) for tier in listed.tiers),
        effective_from=listed.effective_from,
    )


def with_environment_key(provider: LLMProviderConfig, *, environ: Mapping[str, str]) -> LLMProviderConfig:
    """`provider` with its key from the environment where its config holds none that may be read."""
    if provider.api_key:
        return provider
    key = provider_settings(provider.name, provider.kind, environ=environ).get("api_key")
    return provider if key is None else replace(provider, api_key=key)
