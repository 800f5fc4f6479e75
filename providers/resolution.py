"""From a name that a caller uses to the models that may answer, in order, with their parameters."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from providers.entries import AgentConfig, AliasConfig, LLMModelConfig, TargetConfig

if TYPE_CHECKING:
    from providers.config import LLMConfig

AGENT_PREFIX = "agent:"


class UnknownNameError(LookupError):
    """No alias, agent or model has this name. `near` are names that look like it."""

    def __init__(self, name: str, *, candidates: Iterable[str] = (), reason: str = "") -> None:
        self.name = name
        self._candidates = candidates
        self._reason = reason
        super().__init__(name)

    @cached_property
    def near(self) -> tuple[str, ...]:
        return near_names(self.name, self._candidates)

    def __str__(self) -> str:
        if self._reason:
            return self._reason
        hint = f" Did you mean {' or '.join(self.near)}?" if self.near else ""
        return f"No alias, agent or model is called '{self.name}'.{hint}"


def near_names(name: str, candidates: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Up to `limit` of the candidates that look like `name`, the nearest first; models count with their bare name."""
    wanted = name.lower()
    by_form: dict[str, str] = {}
    for candidate in candidates:
        by_form.setdefault(candidate.lower(), candidate)
        by_form.setdefault(candidate.lower().partition("/")[2] or candidate.lower(), candidate)
    found = difflib.get_close_matches(wanted, by_form, n=limit * 2, cutoff=0.6)
    return tuple(dict.fromkeys(by_form[form] for form in found))[:limit]


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """One model that may answer. `params` are its defaults for this name, every level merged but the call's own."""

    name: str
    provider: str
    model: str
    base_url: str | None
    params: Mapping[str, Any]
    weight: int
    why: str


@dataclass(frozen=True, slots=True)
class ResolvedCanary:
    """The target on trial, which `share_percent` of the calls are sent to first."""

    target: ResolvedTarget
    share_percent: float
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means. `params` are those of the alias and the agent, which hold for every target."""

    requested: str
    kind: Literal["alias", "agent", "model"]
    alias: str | None
    agent: str | None
    targets: tuple[ResolvedTarget, ...]
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    strategy: str
    cache_ttl_s: int
    canary: ResolvedCanary | None = None


def resolve(config: LLMConfig, name: str) -> Resolution:
    """Look `name` up as alias, agent, `provider/name`, then bare model name; raise `UnknownNameError`."""
    alias = config.aliases.get(name)
    if alias is not None:
        return _resolve_alias(config, alias, name)
    agent = config.agents.get(name.removeprefix(AGENT_PREFIX))
    if agent is not None:
        return _resolve_alias(config, config.aliases[agent.alias], name, agent=agent)
    model = config.models.get(name)
    if model is not None:
        return _resolve_model(config, model, name, f"The model '{name}' itself")
    homes = config.models_by_bare_name.get(name, ())
    if len(homes) == 1:
        return _resolve_model(config, homes[0], name, f"Only '{homes[0].provider}' has a model '{name}'")
    if homes:
        keys = [home.key for home in homes]
        reason = f"Several providers have a model '{name}'; say which: {', '.join(keys)}."
        raise UnknownNameError(name, candidates=keys, reason=reason)
    provider, _, bare = name.partition("/")
    if bare and config.accepts_unlisted_models and provider in config.providers:
        unlisted = LLMModelConfig(name=bare, provider=provider)
        return _resolve_model(config, unlisted, name, f"'{provider}' is asked for a model that is not listed")
    raise UnknownNameError(name, candidates=config.names)


def _resolve_model(config: LLMConfig, model: LLMModelConfig, requested: str, why: str) -> Resolution:
    target = _target(config, model, why=why)
    return Resolution(requested, "model", None, None, (target,), {}, {}, "priority", 0)


def _resolve_alias(
    config: LLMConfig, alias: AliasConfig, requested: str, *, agent: AgentConfig | None = None
) -> Resolution:
    agent_params = agent.params if agent else {}
    origin = f"Agent '{agent.name}' runs on alias '{alias.name}'" if agent else f"Alias '{alias.name}'"
    targets = tuple(
        _target(
            config,
            config.models[target.model],
            why=f"{origin}: {_place(alias, index)}",
            weight=target.weight,
            params=(alias.params, target.params, agent_params),
        )
        for index, target in enumerate(alias.targets)
    )
    return Resolution(
        requested=requested,
        kind="agent" if agent else "alias",
        alias=alias.name,
        agent=agent.name if agent else None,
        targets=targets,
        params={**alias.params, **agent_params},
        headers=dict(agent.headers) if agent else {},
        strategy=alias.strategy,
        cache_ttl_s=alias.cache_ttl_s,
        canary=_canary(config, alias, origin=origin, agent_params=agent_params),
    )


def _canary(
    config: LLMConfig, alias: AliasConfig, *, origin: str, agent_params: Mapping[str, Any]
) -> ResolvedCanary | None:
    canary = alias.canary
    if canary is None:
        return None
    target = _target(
        config,
        config.models[canary.model],
        why=f"{origin}: the canary, asked first for {canary.share_percent:g} % of the calls",
        params=(alias.params, canary.params, agent_params),
    )
    return ResolvedCanary(target, canary.share_percent, canary.since)


def _place(alias: AliasConfig, index: int) -> str:
    if len(alias.targets) == 1:
        return "its only target"
    if alias.strategy == "priority":
        return "first choice" if index == 0 else f"fallback {index}, asked when those before it fail"
    if alias.strategy == "weighted":
        return f"takes {_share(alias.targets, index)} % of the calls, and is a fallback for the others"
    return f"one of {len(alias.targets)}, chosen by {alias.strategy}"


def _share(targets: tuple[TargetConfig, ...], index: int) -> int:
    total = sum(target.weight for target in targets)
    return round(100 * targets[index].weight / total) if total else 0


def _target(
    config: LLMConfig,
    model: LLMModelConfig,
    *,
    why: str,
    weight: int = 1,
    params: Iterable[Mapping[str, Any]] = (),
) -> ResolvedTarget:
    merged = dict(model.parameters)
    for level in params:
        merged.update(level)
    provider = config.providers[model.provider]
    return ResolvedTarget(
        name=model.key,
        provider=model.provider,
        model=model.name,
        base_url=model.api_url or provider.base_url,
        params=merged,
        weight=weight,
        why=why,
    )
