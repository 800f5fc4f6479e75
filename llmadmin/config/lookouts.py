"""What in a config would not work, in sentences that say what to do. Rooms above add their own (`checks.register_lookout`)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.utils import timezone

from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.config.checks import NOTE, WARNING, Finding, register_lookout
from llmadmin.config.tables import Tables
from llmadmin.routing.models import Alias
from llmadmin.vault.models import ApiKey, KeyState
from providers.config import LLMConfig

SHOWN = 3


@register_lookout
def targets_that_are_off(rows: Tables, _config: LLMConfig) -> Iterator[Finding]:
    """Chains with a link that is switched off, and those with no link left."""
    for alias in rows.aliases:
        off = [target.model for target in rows.targets[alias.pk] if _switched_off(target.model)]
        if not off:
            continue
        if len(off) == len(rows.targets[alias.pk]):
            reasons = _listed(sorted({_switched_off(model) for model in off}))
            message = (
                f"Alias {alias.name} has no target that is switched on ({reasons}), so calls to it fail. Switch one on, or "
                "give it another target."
            )
            yield Finding("no_live_target", WARNING, "alias", alias.name, message)
        else:
            names = _listed([model.full_name for model in off])
            yield Finding("target_off", NOTE, "alias", alias.name, f"Alias {alias.name} skips {names}: switched off.")


@register_lookout
def providers_without_a_key(rows: Tables, _config: LLMConfig) -> Iterator[Finding]:
    """Providers that a target needs, that want a key, and that have none that opens anything."""
    now = timezone.now()
    keys: dict[int, list[ApiKey]] = defaultdict(list)
    for key in rows.keys:
        keys[key.provider_id].append(key)
    for provider, aliases in _needed(rows).values():
        kind = find_kind(provider.kind)
        if kind is not None and not kind.needs_key:
            continue
        if any(_opens(key, now) for key in keys[provider.pk]):
            continue
        message = (
            f"Provider {provider.slug} has no API key that can be used{_why_not(keys[provider.pk])}, and "
            f"{_needers(aliases)}. Add one, or enter it again."
        )
        yield Finding("no_usable_key", WARNING, "provider", provider.slug, message)


@register_lookout
def expired_keys(rows: Tables, _config: LLMConfig) -> Iterator[Finding]:
    """Keys past their day beside others that still open: those are tried for nothing."""
    now = timezone.now()
    opens = {key.provider_id for key in rows.keys if _opens(key, now)}
    for key in rows.keys:
        if key.state in _IN_USE and key.expires_at and key.expires_at <= now and key.provider_id in opens:
            name = f"{key.provider.slug}/{key.label}"
            yield Finding(
                "key_expired",
                NOTE,
                "key",
                name,
                f"API key {name} expired on {key.expires_at:%Y-%m-%d}. Rotate it, or delete it.",
            )


@register_lookout
def models_without_a_price(_rows: Tables, config: LLMConfig) -> Iterator[Finding]:
    """Targets whose calls can't be priced, so that they count as unpriced in every total."""
    for full_name in sorted({target.model for alias in config.aliases.values() for target in alias.targets}):
        model = config.models.get(full_name)
        if model is not None and model.price is None:
            message = (
                f"Model {full_name} has no price, so its calls count as unpriced. Give it one, 0 for what is free."
            )
            yield Finding("no_price", NOTE, "model", full_name, message)


@register_lookout
def agents_on_retired_aliases(rows: Tables, _config: LLMConfig) -> Iterator[Finding]:
    """Agents that still run on an alias that is deprecated, or that has gone out of service."""
    now = timezone.now()
    for agent in rows.agents:
        alias = agent.alias
        if alias.deprecated is None and alias.sunset_at is None:
            continue
        instead = f" Move it to {alias.replacement}." if alias.replacement else " Move it to another alias."
        if alias.sunset_at is not None and alias.sunset_at <= now:
            said = (
                f"Agent {agent.name} runs on alias {alias.name}, whose sunset was {alias.sunset_at:%Y-%m-%d}.{instead}"
            )
            yield Finding("agent_past_sunset", WARNING, "agent", agent.name, said)
        else:
            said = f"Agent {agent.name} runs on the deprecated alias {alias.name}.{instead}"
            yield Finding("agent_on_deprecated", NOTE, "agent", agent.name, said)


_IN_USE = frozenset({KeyState.ACTIVE, KeyState.DRAINING})


def _needed(rows: Tables) -> dict[int, tuple[Provider, list[Alias]]]:
    """The providers that some live target is at, each with the aliases that need it."""
    found: dict[int, tuple[Provider, list[Alias]]] = {}
    for alias in rows.aliases:
        for target in rows.targets[alias.pk]:
            provider = target.model.provider
            if not _switched_off(target.model):
                aliases = found.setdefault(provider.pk, (provider, []))[1]
                if not aliases or aliases[-1] is not alias:
                    aliases.append(alias)
    return found


def _switched_off(model: LanguageModel) -> str:
    """What is switched off about a model, or ""."""
    if not model.provider.enabled:
        return f"provider {model.provider.slug} is off"
    return "" if model.enabled else f"{model.full_name} is off"


def _opens(key: ApiKey, now: dt.datetime) -> bool:
    return key.state in _IN_USE and (key.expires_at is None or key.expires_at > now)


def _why_not(keys: Iterable[ApiKey]) -> str:
    """What is wrong with the keys that are there: ` (prod: expired, spare: locked)`."""
    said = [f"{key.label}: {'expired' if key.state in _IN_USE else key.state}" for key in keys]
    return f" ({_listed(said)})" if said else ""


def _needers(aliases: list[Alias]) -> str:
    names = [alias.name for alias in aliases]
    return f"alias {names[0]} needs it" if len(names) == 1 else f"aliases {_listed(names)} need it"


def _listed(names: list[str]) -> str:
    """`a, b, c and 4 more`."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
