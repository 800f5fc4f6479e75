"""From rows to the resolved config. What is disabled is not in it; what is not yet in force neither."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from decimal import Decimal

from django.utils import timezone

from llmadmin.catalog.fields import invalid
from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.config.state import State, state_of_tables
from llmadmin.config.tables import Tables, garbage_left_alone
from llmadmin.routing.models import Alias, Target
from llmadmin.vault.models import ApiKey, KeyState
from providers.config import ConfigError, LLMConfig
from providers.entries import (
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

LISTED_KEY_STATES = frozenset({KeyState.ACTIVE, KeyState.DRAINING, KeyState.LOCKED})
"""Keys that the document names, by what people decided. A locked one waits to be entered again: it is named, and opens nothing."""


def compile_config(
    tables: Tables | None = None,
    *,
    version: int = 0,
    published_at: dt.datetime | None = None,
    now: dt.datetime | None = None,
) -> LLMConfig:
    """The config that the rows say now. Raises InvalidError where they contradict each other."""
    rows = tables or Tables.read()
    prices = _prices_in_force(rows.prices, now or timezone.now())
    offered = {model.pk: model for model in rows.models.values() if model.enabled and model.provider.enabled}
    withheld = {(model.provider_id, model.name) for model in rows.models.values() if model.pk not in offered}
    keys = _keys_by_provider(rows.keys)
    try:
        return LLMConfig.from_document(
            {
                "version": version,
                "published_at": published_at,
                "default_model": _default_name(rows, offered),
                "providers": {
                    one.slug: provider_config(
                        one, keys[one.pk], has_default=(one.pk, one.default_model) not in withheld
                    )
                    for one in rows.providers
                    if one.enabled
                },
                "models": {one.full_name: _model(one, prices.get(one.pk)) for one in offered.values()},
                "aliases": {one.name: _alias(one, rows.targets[one.pk], offered) for one in rows.aliases},
                "agents": {
                    one.name: AgentConfig(name=one.name, alias=one.alias.name, params=one.params, headers=one.headers)
                    for one in rows.agents
                },
            }
        )
    except ConfigError as problem:
        raise invalid(problem.fields) from problem


def capture_state(tables: Tables | None = None) -> State:
    """All that restoring the tables needs; never a key's plaintext or ciphertext."""
    with garbage_left_alone():
        return state_of_tables(tables or Tables.read())


def _default_name(rows: Tables, offered: dict[uuid.UUID, LanguageModel]) -> str | None:
    default = rows.default
    if default is None or (default.model_id is not None and default.model_id not in offered):
        return None
    return default.target_name


def _prices_in_force(prices: list[Price], now: dt.datetime) -> dict[uuid.UUID, Price]:
    """The last price of each model that has begun; `prices` come with the earliest first."""
    return {price.model_id: price for price in prices if price.effective_from <= now}


def _keys_by_provider(keys: list[ApiKey]) -> dict[int, tuple[KeyConfig, ...]]:
    found: dict[int, tuple[KeyConfig, ...]] = defaultdict(tuple)
    for key in keys:
        if key.intended_state in LISTED_KEY_STATES:
            found[key.provider_id] += (key_config(key),)
    return found


def key_config(row: ApiKey) -> KeyConfig:
    """A key as the document has it, without its text."""
    return KeyConfig(
        id=str(row.pk),
        label=row.label,
        weight=row.weight,
        state="draining" if row.intended_state == KeyState.DRAINING else "active",
        allowed_models=tuple(row.allowed_models),
        calls_per_minute=row.calls_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        expires_at=row.expires_at,
        source_ref=row.source_ref or None,
    )


def provider_config(row: Provider, keys: tuple[KeyConfig, ...] = (), *, has_default: bool = True) -> LLMProviderConfig:
    """A provider as the document and the live layer have it, without any key's plaintext."""
    kind = find_kind(row.kind)
    return LLMProviderConfig(
        name=row.slug,
        kind=row.kind,
        base_url=row.base_url or (kind.base_url if kind else None),
        default_model=(row.default_model or None) if has_default else None,
        timeout_s=row.timeout_s,
        max_retries=row.max_retries,
        retry_delay_s=row.retry_delay_s,
        retry_max_delay_s=row.retry_max_delay_s,
        retry_on=None if row.retry_on is None else frozenset(row.retry_on),
        fallback_on=None if row.fallback_on is None else frozenset(row.fallback_on),
        headers=row.headers,
        options=row.options,
        keys=keys,
    )


def _model(row: LanguageModel, price: Price | None) -> LLMModelConfig:
    return LLMModelConfig(
        name=row.name,
        provider=row.provider.slug,
        api_url=row.api_url or None,
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        capabilities=tuple(row.capabilities),
        parameters=row.parameters,
        price=price_config(price) if price else None,
    )


def price_config(row: Price) -> PriceConfig:
    """A price as the document and the gateway have it."""
    tiers = (
        PriceTier(tier["above_input_tokens"], **{name: Decimal(tier[name]) for name in PRICE_FIELDS if name in tier})
        for tier in row.tiers
    )
    return PriceConfig(
        **{name: getattr(row, name) for name in PRICE_FIELDS},
        tiers=tuple(tiers),
        effective_from=row.effective_from.astimezone(dt.UTC).date(),
    )


def _alias(row: Alias, targets: list[Target], offered: dict[uuid.UUID, LanguageModel]) -> AliasConfig:
    live = [target for target in targets if target.model_id in offered]
    # Weight 0 means "only when nothing else is left", which is now.
    is_last_resort = not any(target.weight for target in live)
    return AliasConfig(
        name=row.name,
        strategy=row.strategy,
        targets=tuple(
            TargetConfig(target.model.full_name, 1 if is_last_resort else target.weight, target.params)
            for target in live
        ),
        params=row.params,
        cache_ttl_s=row.cache_ttl_s,
        deprecated=row.deprecated,
        deprecated_at=row.deprecated_at,
        replacement=row.replacement,
        sunset_at=row.sunset_at,
        after_sunset=row.after_sunset,
        canary=_canary(row) if row.canary_model_id in offered else None,
    )


def _canary(row: Alias) -> CanaryConfig | None:
    canary = row.canary
    if canary is None:
        return None
    return CanaryConfig(canary["model"], canary["share_percent"], canary["params"], row.canary_since)
