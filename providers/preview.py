"""In which order a call would try its targets now, without making it: by the same strategies and the same health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from providers.execution import circuits_of
from providers.health import Circuit, HealthBoard, State
from providers.plan import Plan, PlannedTarget
from providers.strategies import order_targets
from providers.surroundings import Surroundings

_WELCOME = ("closed", "ready")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A target in its turn. A postponed one is cooling down, or its keys are at their limits: it comes after all others."""

    target: PlannedTarget
    is_postponed: bool
    circuits: Sequence[tuple[Circuit, State]]
    """Its provider's, its model's and its keys', with the state that each is in."""
    full_keys: frozenset[str] = frozenset()
    """Ids of keys that are at the limits which were set for them."""


def preview(plan: Plan, around: Surroundings) -> list[Foreseen]:
    """The plan's targets as `Run` would try them if each failed. Where chance decides, the heaviest comes first."""
    seen = [_look_at(target, around) for target in order_targets(plan, around.state.at_rest())]
    return [*(one for one in seen if not one.is_postponed), *(one for one in seen if one.is_postponed)]


def _look_at(target: PlannedTarget, around: Surroundings) -> Foreseen:
    places = _states(circuits_of(target), around.health)
    keys = _states((Circuit("key", key.id) for key in target.keys if key.id is not None), around.health)
    full = frozenset(key.id or "" for key in target.keys if not around.quotas.has_room(key))
    has_key = not target.keys or len(keys) < len(target.keys) or any(state in _WELCOME for _, state in keys)
    has_room = not target.keys or len(full) < len(target.keys)
    is_welcome = has_room and has_key and all(state in _WELCOME for _, state in places)
    return Foreseen(target, not is_welcome, [*places, *keys], full)


def _states(circuits: Iterable[Circuit], health: HealthBoard) -> list[tuple[Circuit, State]]:
    return [(circuit, health.state(circuit)) for circuit in circuits]
