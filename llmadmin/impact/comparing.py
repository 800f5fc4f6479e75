"""A canary's two sides next to each other, and whether what they differ in can be chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Literal

from llmadmin.impact.noise import chance_of_means, chance_of_shares, chance_of_times
from llmadmin.usage.dimensions import ANSWERED, SEEN
from llmadmin.usage.models import Side
from llmadmin.usage.selectors.sides import MAX_CALLS_OF_A_SIDE, SideCall, calls_of_side

FEWEST_CALLS = 30
"""On the smaller side, before anything is said of a difference."""
CERTAIN, LIKELY = 0.01, 0.05

Sureness = Literal["certain", "likely", "chance", "too few"]


@dataclass(frozen=True, slots=True)
class SideFigures:
    """What the calls of one side add up to. `failed` are those that the first target did not answer by itself."""

    side: str
    calls: int
    errors: int
    fallbacks: int
    failed: int
    unpriced_calls: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    ttft_ms_p50: float | None
    ttft_ms_p95: float | None
    cost_per_call_usd: Decimal | None
    is_cut: bool
    """There are more calls than were looked at: these are the latest."""

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.calls if self.calls else None

    @property
    def failure_rate(self) -> float | None:
        return self.failed / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one difference. `tone` is `better`, `worse` or `same`, seen from the canary."""

    what: str
    tone: Literal["better", "worse", "same"]
    sureness: Sureness
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    canary: SideFigures
    stable: SideFigures
    since: dt.datetime
    verdicts: tuple[Verdict, ...]

    @property
    def has_enough(self) -> bool:
        return min(self.canary.calls, self.stable.calls) >= FEWEST_CALLS


def compare(alias: str, *, since: dt.datetime, most: int = MAX_CALLS_OF_A_SIDE) -> Comparison:
    """Both sides of an alias's canary since it began, at most the latest `most` calls of each. Two queries."""
    canary = list(calls_of_side(alias, Side.CANARY, since=since, most=most))
    stable = list(calls_of_side(alias, Side.STABLE, since=since, most=most))
    ours, theirs = _figures(Side.CANARY, canary, most=most), _figures(Side.STABLE, stable, most=most)
    fewest = min(len(canary), len(stable))
    verdicts = (
        _verdict(
            "failures",
            fewest,
            chance_of_shares(ours.failed, ours.calls, theirs.failed, theirs.calls),
            ours.failure_rate,
            theirs.failure_rate,
            words=("Fails less often", "Fails more often", "Fails as often"),
        ),
        _verdict(
            "latency",
            fewest,
            chance_of_times(_latencies(canary), _latencies(stable)),
            ours.latency_ms_p50,
            theirs.latency_ms_p50,
            words=("Answers faster", "Answers more slowly", "Answers as fast"),
        ),
        _verdict(
            "cost",
            min(len(_costs(canary)), len(_costs(stable))),
            chance_of_means(_costs(canary), _costs(stable)),
            ours.cost_per_call_usd,
            theirs.cost_per_call_usd,
            words=("Costs less", "Costs more", "Costs as much"),
        ),
    )
    return Comparison(ours, theirs, since, verdicts)


def _figures(side: str, calls: Sequence[SideCall], *, most: int) -> SideFigures:
    latencies = _latencies(calls)
    first_tokens = sorted(call.ttft_ms for call in calls if call.ttft_ms and call.status in ANSWERED)
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    errors = sum(call.status in SEEN for call in calls)
    fallbacks = sum(call.fallback_count > 0 and call.status not in SEEN for call in calls)
    return SideFigures(
        side=side,
        calls=len(calls),
        errors=errors,
        fallbacks=fallbacks,
        failed=errors + fallbacks,
        unpriced_calls=len(calls) - len(costs),
        latency_ms_p50=_percentile(latencies, 0.5),
        latency_ms_p95=_percentile(latencies, 0.95),
        ttft_ms_p50=_percentile(first_tokens, 0.5),
        ttft_ms_p95=_percentile(first_tokens, 0.95),
        cost_per_call_usd=sum(costs, Decimal(0)) / len(costs) if costs else None,
        is_cut=len(calls) >= most,
    )


def _latencies(calls: Sequence[SideCall]) -> list[float]:
    return sorted(call.latency_ms for call in calls if call.status in ANSWERED and call.latency_ms)


def _costs(calls: Sequence[SideCall]) -> list[float]:
    return [float(call.cost_usd) for call in calls if call.cost_usd is not None]


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def _verdict(
    what: str,
    fewest: int,
    chance: float,
    ours: float | Decimal | None,
    theirs: float | Decimal | None,
    *,
    words: tuple[str, str, str],
) -> Verdict:
    """`words` say less, more and as much. Less is better in all that is compared."""
    less, more, alike = words
    if fewest < FEWEST_CALLS:
        sentence = f"Too few calls to say: {fewest} on the smaller side, {FEWEST_CALLS} are the least."
        return Verdict(what, "same", "too few", sentence)
    if chance > LIKELY or ours is None or theirs is None or ours == theirs:
        return Verdict(
            what, "same", "chance", f"{alike}, as far as {fewest:,} calls can tell: the difference can be chance."
        )
    opening = less if ours < theirs else more
    tone: Literal["better", "worse"] = "better" if ours < theirs else "worse"
    if chance > CERTAIN:
        return Verdict(
            what, tone, "likely", f"{opening}, probably: chance would show this in about 1 of {1 / chance:.0f} trials."
        )
    return Verdict(what, tone, "certain", f"{opening}: chance would show this in fewer than 1 of 100 trials.")
