"""`resolve/`: where a name leads now and why, and where it would lead with something down. From memory, for services and people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmadmin.catalog.kinds import find_kind
from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.gateway.callers import Caller, Grant
from llmadmin.gateway.planning import standing_plan
from llmadmin.gateway.runtime import Runtime
from llmadmin.gateway.snapshot import Snapshot
from llmadmin.gateway.stops import is_stopped, why_stopped
from llmadmin.impact.documents import explanation_json
from llmadmin.impact.explaining import Explanation, Surroundings, explain
from llmadmin.impact.outage import Outage
from providers.config import LLMConfig, Resolution, ResolvedTarget, UnknownNameError
from providers.health import Circuit
from providers.registry import UnknownProviderError, get_registry
from providers.resolution import near_names
from providers.router import Router
from providers.strategies import RoutingState, order_targets

KINDS = ("alias", "agent", "model")
QUERY_NAMES = frozenset({*KINDS, "without", "explain"})
_AT_REST = RoutingState().at_rest()


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks: one name of a kind, with what taken for down, and whether it wants to be told why."""

    kind: str
    name: str
    outage: Outage
    wants_reasons: bool

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Question:
        """Raises InvalidError."""
        asked = [(kind, query[kind]) for kind in KINDS if query.get(kind)]
        if len(asked) != 1:
            raise InvalidError("Ask with exactly one of ?alias=, ?agent= and ?model=.")
        wanted = query.get("explain", "0").lower()
        if wanted not in ("0", "1", "true", "false"):
            raise InvalidError.of(explain="Write 1 or 0.")
        return cls(*asked[0], Outage.from_text(query.get("without", "")), wanted in ("1", "true"))


def resolve_document(snapshot: Snapshot, grant: Grant, question: Question, *, router: Router) -> dict[str, Any]:
    """What a name means: its targets in the order in which its strategy tries them, without what is stopped or taken for down.

    Raises MissingError for what does not exist or is not granted, naming near names that this grant may see.
    """
    resolution = _find(snapshot.config, question.kind, question.name)
    if resolution is None or not grant.caller.may_call(resolution):
        raise _missing(snapshot.config, grant.caller, question)
    document: dict[str, Any] = {
        "version": snapshot.version,
        "requested": question.name,
        "targets": [
            _target_json(snapshot.config, target)
            for target in _in_order(snapshot, resolution, question.outage)
            if not is_stopped(grant.caller, snapshot)
        ],
    }
    canary = resolution.canary
    if canary is not None and not question.outage.takes(canary.target.provider):
        document["canary"] = _target_json(snapshot.config, canary.target) | {"share_percent": canary.share_percent}
    if question.wants_reasons:
        found = explanation_of(snapshot, resolution, outage=question.outage, router=router)
        document["explanation"] = explanation_json(found)
    return document


def explanation_of(
    snapshot: Snapshot, resolution: Resolution, *, outage: Outage | None = None, router: Router | None = None
) -> Explanation:
    """How a name resolves on this snapshot, over the plan that its calls are given and by the router that sends them."""
    router = router or (Runtime.current().router if Runtime.is_running() else Router())

    def obstacle(target: ResolvedTarget) -> str:
        stopped = why_stopped(snapshot, target.provider)
        if stopped is not None:
            return f"Stopped by a switch. {stopped}".rstrip()
        if snapshot.provider_for(target.provider, target.base_url) is None:
            return f"There is no provider folder '{snapshot.config.providers[target.provider].kind}' here."
        return ""

    def needs_key(provider: str) -> bool:
        kind = find_kind(snapshot.config.providers[provider].kind)
        return kind is None or kind.needs_key

    health = {Circuit(state.scope, state.name): state for state in router.health.snapshot()}
    around = Surroundings(foresee=router.preview, obstacle=obstacle, health=health, needs_key=needs_key)
    return explain(snapshot.config, resolution, standing_plan(snapshot, resolution), around, outage=outage)


def _in_order(snapshot: Snapshot, resolution: Resolution, outage: Outage) -> list[ResolvedTarget]:
    """Targets as the strategy orders them; where chance decides, the heaviest first."""
    plan = replace(outage.applied(standing_plan(snapshot, resolution)), canary=None)
    by_name = {target.name: target for target in resolution.targets}
    return [by_name[target.name] for target in order_targets(plan, _AT_REST)]


def _target_json(config: LLMConfig, target: ResolvedTarget) -> dict[str, Any]:
    return {
        "model": target.name,
        "provider": target.provider,
        "name": target.model,
        "base_url": target.base_url or _default_base_url(config, target.provider),
        "params": dict(target.params),
        "why": target.why,
    }


def _missing(config: LLMConfig, caller: Caller, question: Question) -> MissingError:
    seen = [one.removeprefix("agent:") for one in caller.visible_names(config)]
    near = near_names(question.name, seen)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return MissingError(f"There is no {question.kind} '{question.name[:200]}'.{hint}")


def _find(config: LLMConfig, kind: str, name: str) -> Resolution | None:
    """The resolution of a name of this very kind; an alias is not found as a model, nor the other way round."""
    try:
        if kind == "alias":
            return config.resolve(name) if name in config.aliases else None
        if kind == "agent":
            name = name.removeprefix("agent:")
            return config.resolve(f"agent:{name}") if name in config.agents else None
        if name in config.models:
            found = config.resolve(name)
            return found if found.kind == "model" else None
        homes = config.models_by_bare_name.get(name, ())
        return config.resolve(homes[0].key) if len(homes) == 1 else None
    except UnknownNameError:
        return None


def _default_base_url(config: LLMConfig, provider: str) -> str | None:
    try:
        return get_registry().metadata(config.providers[provider].kind).base_url
    except UnknownProviderError:
        return None
