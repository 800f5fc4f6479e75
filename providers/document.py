"""Writing a config as the published document, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.entries import (
    PRICE_FIELDS,
    AliasConfig,
    CanaryConfig,
    KeyConfig,
    LLMModelConfig,
    LLMProviderConfig,
    PriceConfig,
    PriceTier,
)

if TYPE_CHECKING:
    from providers.config import LLMConfig


def write_document(config: LLMConfig, *, with_secrets: bool = False) -> dict[str, Any]:
    """The published JSON document; API keys stand in it only `with_secrets`."""
    return {
        "version": config.version,
        "published_at": write_time(config.published_at),
        "default_model": config.default_model,
        "providers": {
            name: write_provider(provider, with_secrets=with_secrets) for name, provider in config.providers.items()
        },
        "models": {key: write_model(model, with_secrets=with_secrets) for key, model in config.models.items()},
        "aliases": {name: write_alias(alias) for name, alias in config.aliases.items()},
        "agents": {
            name: {"alias": agent.alias, "params": dict(agent.params), "headers": dict(agent.headers)}
            for name, agent in config.agents.items()
        },
    }


def write_provider(provider: LLMProviderConfig, *, with_secrets: bool) -> dict[str, Any]:
    """One provider. What the document does not name (retry delays, error classes) is written where it was changed."""
    written: dict[str, Any] = {
        "kind": provider.kind,
        "base_url": provider.base_url,
        "default_model": provider.default_model,
        "timeout_s": plain_number(provider.timeout_s),
        "max_retries": provider.max_retries,
        "headers": dict(provider.headers),
        "options": dict(provider.options),
        "keys": [_write_key(key, with_secrets=with_secrets) for key in provider.keys],
    }
    for name in ("retry_delay_s", "retry_max_delay_s"):
        if getattr(provider, name) != getattr(_DEFAULTS, name):
            written[name] = plain_number(getattr(provider, name))
    for name in ("retry_on", "fallback_on"):
        classes = getattr(provider, name)
        if classes is not None:
            written[name] = sorted(classes)
    if provider.stopped:
        written["stopped"] = provider.stopped
    return written


def _write_key(key: KeyConfig, *, with_secrets: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"id": key.id, "label": key.label, "weight": key.weight}
    for name in ("calls_per_minute", "tokens_per_minute", "source_ref"):
        if getattr(key, name) is not None:
            written[name] = getattr(key, name)
    if key.state != "active":
        written["state"] = key.state
    if key.allowed_models:
        written["allowed_models"] = list(key.allowed_models)
    if key.expires_at is not None:
        written["expires_at"] = write_time(key.expires_at)
    if with_secrets and key.api_key is not None:
        written["api_key"] = key.api_key
    return written


def write_model(model: LLMModelConfig, *, with_secrets: bool) -> dict[str, Any]:
    written: dict[str, Any] = {
        "provider": model.provider,
        "name": model.name,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": list(model.capabilities),
        "parameters": dict(model.parameters),
        "price": None if model.price is None else write_price(model.price),
    }
    if model.api_url is not None:
        written["api_url"] = model.api_url
    if with_secrets and model.api_key is not None:
        written["api_key"] = model.api_key
    return written


def write_price(price: PriceConfig) -> dict[str, Any]:
    """Known prices only, as decimal text; a meter that is left out has no price of its own."""
    written: dict[str, Any] = _write_rates(price)
    if price.tiers:
        written["tiers"] = [
            {"above_input_tokens": tier.above_input_tokens, **_write_rates(tier)} for tier in price.tiers
        ]
    if price.effective_from is not None:
        written["effective_from"] = price.effective_from.isoformat()
    return written


def _write_rates(rates: PriceConfig | PriceTier) -> dict[str, str]:
    found = ((name, getattr(rates, name)) for name in PRICE_FIELDS)
    return {name: plain_decimal(value) for name, value in found if value is not None}


def write_alias(alias: AliasConfig) -> dict[str, Any]:
    """One alias. What belongs to a canary or a sunset stands in it only where there is one."""
    written: dict[str, Any] = {
        "strategy": alias.strategy,
        "targets": [
            {"model": target.model, "weight": target.weight, "params": dict(target.params)} for target in alias.targets
        ],
        "params": dict(alias.params),
        "cache_ttl_s": alias.cache_ttl_s,
        "deprecated": alias.deprecated,
    }
    for name in ("deprecated_at", "sunset_at"):
        if getattr(alias, name) is not None:
            written[name] = write_time(getattr(alias, name))
    if alias.replacement:
        written["replacement"] = alias.replacement
    if alias.after_sunset != "answer":
        written["after_sunset"] = alias.after_sunset
    if alias.canary is not None:
        written["canary"] = write_canary(alias.canary)
    return written


def write_canary(canary: CanaryConfig) -> dict[str, Any]:
    return {
        "model": canary.model,
        "share_percent": plain_number(canary.share_percent),
        "params": dict(canary.params),
        "since": write_time(canary.since),
    }


def write_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain_decimal(value: Decimal) -> str:
    """`Decimal("1.50E+1")` → `"15"`: no exponent, no trailing zeros, and never a negative zero."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_number(value: float) -> float:
    """60.0 → 60, so that a number is written in one way wherever it came from."""
    return int(value) if float(value).is_integer() else value


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, without what does not change behaviour: version, time, ids and API keys."""
    kept = {name: value for name, value in document.items() if name not in ("version", "published_at")}
    kept["providers"] = {name: _without_key_ids(provider) for name, provider in document["providers"].items()}
    kept["models"] = {
        key: {name: value for name, value in model.items() if name != "api_key"}
        for key, model in document["models"].items()
    }
    canonical = json.dumps(_canonical(kept), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_key_ids(provider: Mapping[str, Any]) -> dict[str, Any]:
    keys = [{name: value for name, value in key.items() if name not in ("id", "api_key")} for key in provider["keys"]]
    return {**provider, "keys": keys}


def _canonical(value: Any) -> Any:
    """`value` with texts as names and each number written in one way. Exact types come first: they are what there is."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {str(name): item if type(item) in _AS_THEY_ARE else _canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return plain_number(value) if isinstance(value, float) else value


_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_DEFAULTS = LLMProviderConfig()
