"""In which order the targets of an alias are tried. Each strategy orders; falling back is always the router's.

A strategy is a function of the targets and of what the router knows (`RoutingState`); `register_strategy` adds one.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from decimal import Decimal

from providers.plan import Plan, PlannedKey, PlannedTarget

Strategy = Callable[[Plan, "RoutingState"], Sequence[PlannedTarget]]

_INPUT_SHARE = 3
"""Typical calls read about three tokens for each that they write; only the order of prices depends on it."""


class RoutingState:
    """What strategies remember between calls: turns taken and latencies seen. Bounded; for one event loop."""

    def __init__(
        self,
        *,
        rng: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        latency_max_age_s: float = 300.0,
        max_names: int = 10_000,
    ) -> None:
        self.rng = rng
        self._clock = clock
        self._latency_max_age_s = latency_max_age_s
        self._max_names = max_names
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._latencies: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def next_turn(self, name: str) -> int:
        """0, 1, 2 … for each call that asks for `name`."""
        turn = self._turns.get(name, 0)
        self._turns[name] = turn + 1
        self._bound(self._turns)
        return turn

    def note_latency(self, target: str, latency_ms: float) -> None:
        """Keep a moving average of how long `target` takes until its answer begins."""
        known = self.latency_ms(target)
        average = latency_ms if known is None else 0.8 * known + 0.2 * latency_ms
        self._latencies[target] = (self._clock(), average)
        self._bound(self._latencies)

    def latency_ms(self, target: str) -> float | None:
        """The average of late, or None where it is unknown or so old that the target is worth another look."""
        seen = self._latencies.get(target)
        if seen is None or self._clock() - seen[0] > self._latency_max_age_s:
            return None
        return seen[1]

    def at_rest(self) -> RoutingState:
        """A copy that may be asked without moving anything: no turn is taken, and chance favours weight alone."""
        copy = RoutingState(
            rng=lambda: 0.5,
            clock=self._clock,
            latency_max_age_s=self._latency_max_age_s,
            max_names=self._max_names,
        )
        copy._turns, copy._latencies = self._turns.copy(), self._latencies.copy()
        return copy

    def _bound(self, entries: OrderedDict[str, int] | OrderedDict[str, tuple[float, float]]) -> None:
        while len(entries) > self._max_names:
            entries.popitem(last=False)


def priority(plan: Plan, _state: RoutingState) -> Sequence[PlannedTarget]:
    """As configured: the first target answers, the others are its fallbacks."""
    return plan.targets


def weighted(plan: Plan, state: RoutingState) -> Sequence[PlannedTarget]:
    """At random by weight, the same one for calls of equal affinity. Weight 0 is a fallback only."""
    return sorted(plan.targets, key=lambda target: _draw(target.name, target.weight, plan.affinity, state.rng))


def round_robin(plan: Plan, state: RoutingState) -> Sequence[PlannedTarget]:
    """In turn, one target after the other for each call."""
    if plan.affinity is not None:
        return weighted(plan, state)
    if not plan.targets:
        return plan.targets
    first = state.next_turn(plan.requested) % len(plan.targets)
    return [*plan.targets[first:], *plan.targets[:first]]


def least_latency(plan: Plan, state: RoutingState) -> Sequence[PlannedTarget]:
    """The one that answered fastest of late; a target that nothing is known of goes first, to learn of it.

    Calls with an affinity stay where they are instead: a prompt cache saves more than the fastest target.
    """
    if plan.affinity is not None:
        return weighted(plan, state)
    return sorted(plan.targets, key=lambda target: state.latency_ms(target.name) or 0.0)


def cheapest(plan: Plan, _state: RoutingState) -> Sequence[PlannedTarget]:
    """The lowest list price for a typical call; a target of unknown price goes last."""
    return sorted(plan.targets, key=_typical_price)


def _typical_price(target: PlannedTarget) -> tuple[bool, Decimal]:
    price = target.price
    if price is None or price.input_usd_per_mtok is None:
        return (True, Decimal(0))
    output = price.output_usd_per_mtok if price.output_usd_per_mtok is not None else Decimal(0)
    return (False, price.input_usd_per_mtok * _INPUT_SHARE + output)


def order_keys(keys: Sequence[PlannedKey], *, affinity: str | None, rng: Callable[[], float]) -> Sequence[PlannedKey]:
    """Keys at random by weight, so that the load is shared out; the rest of the order is for when one fails."""
    if len(keys) < 2:
        return keys
    return sorted(keys, key=lambda key: (key.reserve, *_draw(key.id or key.label, key.weight, affinity, rng)))


def _draw(name: str, weight: int, affinity: str | None, rng: Callable[[], float]) -> tuple[bool, float]:
    """Sorting by this orders by weighted chance: a draw of `u^(1/weight)`, the largest first.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006. With an affinity the draw is a hash
    of it and the name (rendezvous hashing), so that it stays when other targets come and go.
    """
    if weight <= 0:
        return (True, 0.0)
    chance = rng() if affinity is None else hashed_chance(affinity, name)
    return (False, -(chance ** (1.0 / weight)))


def hashed_chance(affinity: str, name: str) -> float:
    """A number from 0 to 1 that is always the same for these two texts."""
    digest = hashlib.blake2b(f"{affinity}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


_STRATEGIES: dict[str, Strategy] = {
    "priority": priority,
    "weighted": weighted,
    "round_robin": round_robin,
    "least_latency": least_latency,
    "cheapest": cheapest,
}


def register_strategy(name: str, strategy: Strategy) -> None:
    """Offer a strategy under `name`, for aliases to choose."""
    _STRATEGIES[name] = strategy


def get_strategy(name: str) -> Strategy | None:
    return _STRATEGIES.get(name)


def strategy_names() -> tuple[str, ...]:
    return tuple(_STRATEGIES)


def order_targets(plan: Plan, state: RoutingState) -> Sequence[PlannedTarget]:
    """The plan's targets in the order of its strategy; an unknown strategy means as configured.

    A call on the canary's side tries that one first, with all others behind it. On the stable side the canary is not
    even a fallback: what is on trial gets its share and no more.
    """
    ordered = plan.targets if len(plan.targets) < 2 else _STRATEGIES.get(plan.strategy, priority)(plan, state)
    canary = plan.canary
    if canary is None or plan.side != "canary":
        return ordered
    return [canary, *(target for target in ordered if (target.name, target.params) != (canary.name, canary.params))]
