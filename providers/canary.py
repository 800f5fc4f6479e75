"""Which calls try an alias's canary first: a share of them, the same ones again where calls belong together."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from providers.plan import Plan
from providers.strategies import hashed_chance


def take_side(plan: Plan, *, rng: Callable[[], float] = random.random) -> Plan:
    """The plan with this call's side drawn. Calls of equal affinity are on one side, and stay there when the share grows."""
    if plan.canary is None:
        return plan
    chance = rng() if plan.affinity is None else hashed_chance(plan.affinity, f"canary {plan.canary.name}")
    return replace(plan, side="canary" if chance * 100 < plan.canary_percent else "stable")
