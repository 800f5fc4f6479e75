"""How a name resolves and why, step by step: agent, alias, strategy, canary, then each target with all that decides about it.

The order is not worked out here. It is foreseen by the router that calls go through, over the plan that they are given, so
what is explained can't drift from what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from llmadmin.impact.outage import Outage
from llmadmin.impact.wording import reason_of
from providers.config import LLMConfig, PriceConfig, Resolution, ResolvedTarget
from providers.health import Circuit, HealthState, State
from providers.plan import Plan, PlannedTarget
from providers.preview import Foreseen

Role = Literal["answers", "shares", "fallback", "fails", "postponed", "skipped"]
"""What a target does: it answers first, shares the calls, waits, is tried in vain, waits since it failed, or is not asked."""

SHARING = ("weighted", "round_robin")
_WELCOME = ("closed", "ready")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that is sent where the call leaves it open. `source` is `model`, `alias`, `target` or `agent`."""

    name: str
    value: Any
    source: str
    overrides: tuple[str, ...] = ()
    """The levels below that say otherwise."""


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One API key of a target. `reason` says why it is not in use just now, and is empty where it is."""

    id: str
    label: str
    weight: int
    state: State | Literal["without"]
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One target. `why` says its role in words; `circuit` is the state of its health, the worse of provider and model."""

    name: str
    provider: str
    model: str
    role: Role
    why: str
    share: float | None
    """Of the calls, where it is known beforehand."""
    keys: tuple[KeyStep, ...]
    parameters: tuple[Parameter, ...]
    context_window: int | None
    price: PriceConfig | None
    circuit: State
    circuit_reason: str
    is_canary: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one name resolves. `steps` are in the order in which they are tried, those that are not asked last."""

    requested: str
    kind: str
    agent: str | None
    alias: str | None
    strategy: str
    canary: Step | None
    canary_percent: float
    canary_since: datetime | None
    steps: tuple[Step, ...]
    outage: Outage

    @property
    def is_answered(self) -> bool:
        return any(step.role in ("answers", "shares") for step in self.steps)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the live path knows beside the config. `foresee` gives a plan's order, `obstacle` why a target is left out of it."""

    foresee: Callable[[Plan], Sequence[Foreseen]]
    obstacle: Callable[[ResolvedTarget], str]
    health: Mapping[Circuit, HealthState]
    needs_key: Callable[[str], bool]
    """Whether a provider answers only with a key."""


def explain(
    config: LLMConfig, resolution: Resolution, plan: Plan, around: Surroundings, *, outage: Outage | None = None
) -> Explanation:
    """How `resolution` is answered over `plan`, with what `outage` names taken for down."""
    outage = outage or Outage()
    now = outage.applied(plan)
    view = _View(config, resolution, plan, around, outage)
    foreseen = around.foresee(replace(now, side="stable"))
    steps = [view.asked(one, place, foreseen) for place, one in enumerate(foreseen)]
    asked = {one.target.name for one in foreseen}
    skipped = [view.left_out(target) for target in resolution.targets if target.name not in asked]
    canary = resolution.canary
    return Explanation(
        requested=resolution.requested,
        kind=resolution.kind,
        agent=resolution.agent,
        alias=resolution.alias,
        strategy=resolution.strategy,
        canary=view.canary(now.canary) if canary else None,
        canary_percent=canary.share_percent if canary else 0.0,
        canary_since=canary.since if canary else None,
        steps=(*_with_first_answer(steps, resolution.strategy), *skipped),
        outage=outage,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """What every step is told from."""

    config: LLMConfig
    resolution: Resolution
    plan: Plan
    around: Surroundings
    outage: Outage

    def asked(self, one: Foreseen, place: int, others: Sequence[Foreseen]) -> Step:
        target = one.target
        welcome = [other.target for other in others if not other.is_postponed]
        is_in_vain = self._is_in_vain(target)
        share = None if one.is_postponed else _share(self.resolution.strategy, target, welcome)
        role: Role = "postponed" if one.is_postponed else "fails" if is_in_vain else "fallback"
        return self._step(
            target.name,
            role=role,
            share=share,
            why=(target.no_key if role == "fails" else "")
            or reason_of(role, self.resolution.strategy, place=place, count=len(welcome), share=share),
            foreseen=one,
        )

    def canary(self, planned: PlannedTarget | None) -> Step | None:
        """The target on trial, which its share of the calls tries before all others."""
        canary = self.resolution.canary
        if canary is None:
            return None
        share = canary.share_percent / 100
        if planned is None:
            return replace(self.left_out(canary.target), share=share, is_canary=True)
        alone = self.around.foresee(replace(self.plan, targets=(planned,), canary=None, side=""))[0]
        is_in_vain = self._is_in_vain(planned)
        role: Role = "postponed" if alone.is_postponed else "fails" if is_in_vain else "shares"
        why = reason_of(role, "canary", place=0, count=2, share=share)
        step = self._step(planned.name, role=role, share=share, why=why, foreseen=alone, resolved=canary.target)
        return replace(step, is_canary=True)

    def _is_in_vain(self, target: PlannedTarget) -> bool:
        return not target.keys and bool(target.no_key or self.around.needs_key(target.provider_name))

    def left_out(self, target: ResolvedTarget) -> Step:
        """A target that is not asked at all, and why."""
        imagined = f"What if: {target.provider} is down." if self.outage.takes(target.provider) else ""
        why = imagined or self.around.obstacle(target) or "What if: none of its keys is left."
        return self._step(target.name, role="skipped", share=None, why=why, resolved=target)

    def _step(
        self,
        name: str,
        *,
        role: Role,
        share: float | None,
        why: str,
        foreseen: Foreseen | None = None,
        resolved: ResolvedTarget | None = None,
    ) -> Step:
        model = self.config.models.get(name)
        provider, _, bare = name.partition("/")
        states = dict(foreseen.circuits) if foreseen else {}
        circuit, reason = self._health(provider, name, states)
        return Step(
            name=name,
            provider=provider,
            model=model.name if model else bare,
            role=role,
            why=why,
            share=share,
            keys=self._keys(name, states, foreseen.full_keys if foreseen else frozenset()),
            parameters=self._parameters(name, is_canary=self._is_canary(resolved)),
            context_window=model.context_window if model else None,
            price=model.price if model else None,
            circuit=circuit,
            circuit_reason=reason,
        )

    def _is_canary(self, resolved: ResolvedTarget | None) -> bool:
        return self.resolution.canary is not None and resolved is self.resolution.canary.target

    def _health(self, provider: str, model: str, states: Mapping[Circuit, State]) -> tuple[State, str]:
        for circuit in (Circuit("provider", provider), Circuit("model", model)):
            state = states.get(circuit, "closed")
            if state != "closed":
                known = self.around.health.get(circuit)
                return state, known.reason if known else ""
        return "closed", ""

    def _keys(self, name: str, states: Mapping[Circuit, State], full: frozenset[str]) -> tuple[KeyStep, ...]:
        """Every key of the plan, those that are imagined away too."""
        planned = next((target for target in self.plan.every_target if target.name == name), None)
        steps = []
        for key in planned.keys if planned else ():
            circuit = Circuit("key", key.id or "")
            known = self.around.health.get(circuit)
            state: State | Literal["without"] = states.get(circuit, "closed")
            reason = known.reason if known and state not in _WELCOME else ""
            if key.id in full:
                reason = "It is at the limit that was set for it."
            if key.id in self.outage.keys or self.outage.takes(name.partition("/")[0]):
                state, reason = "without", "Switched off in this what-if."
            steps.append(KeyStep(key.id or "", key.label, key.weight, state, reason))
        return tuple(steps)

    def _parameters(self, name: str, *, is_canary: bool) -> tuple[Parameter, ...]:
        """What is sent, each with the level that says it: the later of model, alias, target, agent wins."""
        merged: dict[str, Parameter] = {}
        for source, level in self._levels(name, is_canary=is_canary):
            for key, value in level.items():
                below = merged.get(key)
                overrides = (*below.overrides, below.source) if below else ()
                merged[key] = Parameter(key, value, source, overrides)
        return tuple(merged.values())

    def _levels(self, name: str, *, is_canary: bool) -> list[tuple[str, Mapping[str, Any]]]:
        config, resolution = self.config, self.resolution
        model = config.models.get(name)
        alias = config.aliases.get(resolution.alias or "")
        agent = config.agents.get(resolution.agent or "")
        own: Mapping[str, Any] = {}
        if alias is not None and is_canary and alias.canary is not None:
            own = alias.canary.params
        elif alias is not None:
            own = next((target.params for target in alias.targets if target.model == name), {})
        return [
            ("model", model.parameters if model else {}),
            ("alias", alias.params if alias else {}),
            ("canary" if is_canary else "target", own),
            ("agent", agent.params if agent else {}),
        ]


def _share(strategy: str, target: PlannedTarget, welcome: Sequence[PlannedTarget]) -> float | None:
    """Of the calls, the part that this target gets first, where that is known beforehand."""
    if strategy == "round_robin":
        return 1 / len(welcome)
    if strategy != "weighted":
        return None
    total = sum(one.weight for one in welcome)
    return target.weight / total if total else None


def _with_first_answer(steps: Sequence[Step], strategy: str) -> list[Step]:
    """The first that can answer does; where calls are shared out, so do all that have a share of them."""
    able = [step for step in steps if step.role == "fallback"] or [step for step in steps if step.role == "postponed"]
    if strategy in SHARING:
        answering = {step.name for step in able if step.share or step.share is None}
        return [replace(step, role="shares") if step.name in answering else step for step in steps]
    return [replace(step, role="answers") if step in able[:1] else step for step in steps]
