"""Reading the entries of a config: one reader for the published document and for what people write.

People write less (`fast: openai/gpt-4.1-mini`, `api_base`, `organization` beside the rest); the document spells
everything out. Every problem is collected with its path before any is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from providers.document import write_provider
from providers.entries import (
    KEY_STATES,
    PRICE_FIELDS,
    AgentConfig,
    AliasConfig,
    CanaryConfig,
    KeyConfig,
    LLMModelConfig,
    LLMProviderConfig,
    PriceConfig,
    PriceTier,
    TargetConfig,
)
from providers.fields import Fields, Problems, name_of

Value = TypeVar("Value")

_SYNONYMS = {
    "kind": ("kind", "type"),
    "base_url": ("base_url", "api_base", "endpoint"),
    "timeout_s": ("timeout_s", "timeout"),
    "retry_delay_s": ("retry_delay_s", "retry_delay"),
    "retry_max_delay_s": ("retry_max_delay_s", "retry_max_delay"),
}
"""What people write for a provider's settings; the first is the document's own name."""


def read_providers(raw: object, *, problems: Problems) -> dict[str, LLMProviderConfig]:
    return {
        name: read_provider(name, value, problems=problems)
        for name, value in _named(raw, "providers", problems=problems)
    }


def read_provider(name: str, raw: object, *, problems: Problems) -> LLMProviderConfig:
    if isinstance(raw, LLMProviderConfig):
        return replace(raw, name=name, kind=raw.kind or name)
    fields = Fields(raw, f"providers.{name}", problems=problems)
    defaults = LLMProviderConfig(name=name)
    keys = fields.items("keys")
    provider = LLMProviderConfig(
        name=name,
        kind=fields.text(*_SYNONYMS["kind"]) or name,
        base_url=fields.text(*_SYNONYMS["base_url"]),
        default_model=fields.text("default_model"),
        timeout_s=_or(fields.number(*_SYNONYMS["timeout_s"], above=0), defaults.timeout_s),
        max_retries=_or(fields.integer("max_retries"), defaults.max_retries),
        retry_delay_s=_or(fields.number(*_SYNONYMS["retry_delay_s"]), defaults.retry_delay_s),
        retry_max_delay_s=_or(fields.number(*_SYNONYMS["retry_max_delay_s"]), defaults.retry_max_delay_s),
        headers=fields.texts("headers"),
        keys=tuple(_read_key(key, path, problems=problems) for path, key in keys),
        api_key=fields.text("api_key"),
        retry_on=fields.error_classes("retry_on"),
        fallback_on=fields.error_classes("fallback_on"),
        options=fields.mapping("options"),
        stopped=fields.text("stopped") or "",
    )
    # What has no field of its own is an option of that vendor, as `organization` and `deployment_name` are.
    return replace(provider, options={**provider.options, **fields.rest()})


def change_provider(
    provider: LLMProviderConfig, changes: Mapping[str, Any], *, problems: Problems
) -> LLMProviderConfig:
    """`provider` with some settings changed, written as people write them. A new `api_key` replaces all keys."""
    current = write_provider(provider, with_secrets=True)
    for name, synonyms in _SYNONYMS.items():
        if any(other in changes for other in synonyms):
            current.pop(name, None)
    if "api_key" in changes:
        del current["keys"]
    current["options"] = {**provider.options, **(changes.get("options") or {})}
    rest = {name: value for name, value in changes.items() if name != "options"}
    return read_provider(provider.name, {**current, **rest}, problems=problems)


def _read_key(raw: object, path: str, *, problems: Problems) -> KeyConfig:
    if isinstance(raw, KeyConfig):
        return raw
    fields = Fields(raw, path, problems=problems)
    label = fields.text("label") or "default"
    state = fields.text("state") or "active"
    if state not in KEY_STATES:
        problems.add(f"{path}.state", f"Must be one of {', '.join(KEY_STATES)}.")
    return KeyConfig(
        id=fields.text("id") or label,
        label=label,
        weight=_or(fields.integer("weight"), 1),
        api_key=fields.text("api_key"),
        state=state,
        allowed_models=tuple(fields.words("allowed_models")),
        calls_per_minute=fields.integer("calls_per_minute", above=0),
        tokens_per_minute=fields.integer("tokens_per_minute", above=0),
        expires_at=read_time(fields.take("expires_at"), f"{path}.expires_at", problems=problems),
        source_ref=fields.text("source_ref"),
    )


def read_models(raw: object, *, problems: Problems) -> dict[str, LLMModelConfig]:
    """Read a list of models, or a mapping by `provider/name`."""
    models: dict[str, LLMModelConfig] = {}
    entries: Iterable[tuple[str, object]]
    if isinstance(raw, Mapping):
        entries = [(f"models.{key}", _model_of(str(key), value)) for key, value in raw.items()]
    elif isinstance(raw, list | tuple):
        entries = [(f"models[{index}]", value) for index, value in enumerate(raw)]
    elif raw is None:
        entries = []
    else:
        problems.add("models", "Must be a list of models, or a mapping by provider/name.")
        return models
    for path, value in entries:
        model = read_model(value, path, problems=problems)
        if model.key in models:
            problems.add(path, f"The model '{model.key}' is given twice; remove one.")
        models[model.key] = model
    return models


def _model_of(key: str, value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    provider, slash, name = key.partition("/")
    return {"provider": provider, "name": name, **value} if slash else {"name": key, **value}


def read_model(raw: object, path: str, *, problems: Problems) -> LLMModelConfig:
    if isinstance(raw, LLMModelConfig):
        return raw
    fields = Fields(raw, path, problems=problems)
    price = fields.take("price")
    model = LLMModelConfig(
        name=fields.required("name"),
        provider=fields.required("provider"),
        api_url=fields.text("api_url", "api_base", "base_url"),
        api_key=fields.text("api_key"),
        max_tokens=fields.integer("max_tokens", above=0),
        temperature=fields.number("temperature"),
        is_default=fields.flag("is_default"),
        context_window=fields.integer("context_window", above=0),
        max_output_tokens=fields.integer("max_output_tokens", above=0),
        capabilities=tuple(fields.words("capabilities")),
        parameters=fields.mapping("parameters", "params"),
        price=None if price is None else read_price(price, f"{path}.price", problems=problems),
    )
    fields.refuse_rest()
    return model


def read_price(raw: object, path: str, *, problems: Problems) -> PriceConfig:
    if isinstance(raw, PriceConfig):
        return raw
    fields = Fields(raw, path, problems=problems)
    tiers = []
    for tier_path, item in fields.items("tiers"):
        tier = Fields(item, tier_path, problems=problems)
        above = tier.integer("above_input_tokens", above=0)
        if above is None:
            problems.add(tier_path, "Needs 'above_input_tokens', the input from which these prices hold.")
        tiers.append(PriceTier(above or 0, **{name: tier.money(name) for name in PRICE_FIELDS}))
        tier.refuse_rest()
    price = PriceConfig(
        **{name: fields.money(name) for name in PRICE_FIELDS},
        tiers=tuple(sorted(tiers, key=lambda tier: tier.above_input_tokens)),
        effective_from=fields.day("effective_from"),
    )
    fields.refuse_rest()
    return price


def read_aliases(raw: object, *, problems: Problems) -> dict[str, AliasConfig]:
    return {
        name: _read_alias(name, value, problems=problems) for name, value in _named(raw, "aliases", problems=problems)
    }


def _read_alias(name: str, raw: object, *, problems: Problems) -> AliasConfig:
    if isinstance(raw, AliasConfig):
        return replace(raw, name=name)
    path = f"aliases.{name}"
    if isinstance(raw, str | list | tuple):
        raw = {"targets": [raw] if isinstance(raw, str) else raw}
    fields = Fields(raw, path, problems=problems)
    if "targets" not in fields:
        problems.add(path, "Names no target; give 'targets', a list of provider/model.")
    alias = AliasConfig(
        name=name,
        strategy=fields.text("strategy") or "priority",
        targets=tuple(_read_target(item, where, problems=problems) for where, item in fields.items("targets")),
        params=fields.mapping("params"),
        cache_ttl_s=_or(fields.integer("cache_ttl_s"), 0),
        deprecated=fields.text("deprecated"),
        deprecated_at=read_time(fields.take("deprecated_at"), f"{path}.deprecated_at", problems=problems),
        replacement=fields.text("replacement") or None,
        sunset_at=read_time(fields.take("sunset_at"), f"{path}.sunset_at", problems=problems),
        after_sunset=fields.text("after_sunset") or "answer",
        canary=_read_canary(fields.take("canary"), f"{path}.canary", problems=problems),
    )
    fields.refuse_rest()
    return alias


def _read_canary(raw: object, path: str, *, problems: Problems) -> CanaryConfig | None:
    if raw is None or isinstance(raw, CanaryConfig):
        return raw
    fields = Fields(raw, path, problems=problems)
    share = fields.number("share_percent", above=0)
    if share is None:
        problems.add(f"{path}.share_percent", "Is needed: how many of a hundred calls go to the canary.")
    canary = CanaryConfig(
        model=fields.required("model"),
        share_percent=share or 0,
        params=fields.mapping("params"),
        since=read_time(fields.take("since"), f"{path}.since", problems=problems),
    )
    fields.refuse_rest()
    return canary


def _read_target(raw: object, path: str, *, problems: Problems) -> TargetConfig:
    if isinstance(raw, TargetConfig):
        return raw
    fields = Fields({"model": raw} if isinstance(raw, str) else raw, path, problems=problems)
    target = TargetConfig(
        model=fields.required("model"),
        weight=_or(fields.integer("weight"), 1),
        params=fields.mapping("params"),
    )
    fields.refuse_rest()
    return target


def read_agents(raw: object, *, problems: Problems) -> dict[str, AgentConfig]:
    return {
        name: _read_agent(name, value, problems=problems) for name, value in _named(raw, "agents", problems=problems)
    }


def _read_agent(name: str, raw: object, *, problems: Problems) -> AgentConfig:
    if isinstance(raw, AgentConfig):
        return replace(raw, name=name)
    fields = Fields({"alias": raw} if isinstance(raw, str) else raw, f"agents.{name}", problems=problems)
    agent = AgentConfig(
        name=name,
        alias=fields.required("alias"),
        params=fields.mapping("params"),
        headers=fields.texts("headers"),
    )
    fields.refuse_rest()
    return agent


def read_time(raw: object, path: str, *, problems: Problems) -> datetime | None:
    if raw is None or isinstance(raw, datetime):
        return raw.replace(tzinfo=UTC) if raw is not None and raw.tzinfo is None else raw
    try:
        moment = datetime.fromisoformat(str(raw))
    except ValueError:
        problems.add(path, f"'{raw}' is no time; write it as 2026-01-31T12:00:00Z.")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(raw: object, path: str, *, problems: Problems) -> Iterable[tuple[str, object]]:
    if raw is None:
        return ()
    if not isinstance(raw, Mapping):
        problems.add(path, "Must be a mapping of names to entries.")
        return ()
    return [(name_of(name), value) for name, value in raw.items()]


def _or(value: Value | None, default: Value) -> Value:
    return default if value is None else value
