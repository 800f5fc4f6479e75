"""What a call needs from outside, all of it replaceable: time, chance, memory of earlier calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.health import HealthBoard
from providers.plan import PlannedKey, PlannedTarget
from providers.quotas import KeyQuotas
from providers.strategies import RoutingState

Renew = Callable[[PlannedTarget], Awaitable[Sequence[PlannedKey]]]
"""The keys of a target as they are by now."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The same for every call of a router."""

    health: HealthBoard
    quotas: KeyQuotas
    state: RoutingState
    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[object]]
    rng: Callable[[], float]
    renew: Renew
