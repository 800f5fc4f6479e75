"""Whether two sets of calls differ by more than chance. Plain statistics, without a library for them.

Each function returns the probability that chance alone would show a difference at least as large; 1 where nothing can be said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean, variance


def chance_of_shares(hits: int, total: int, other_hits: int, other_total: int) -> float:
    """For shares such as 3 failures of 40 calls against 9 of 800: Fisher's exact test, two-sided, good for small counts too."""
    if not total or not other_total:
        return 1.0
    all_hits, everything = hits + other_hits, total + other_total

    def log_probability(count: int) -> float:
        ways = _log_choose(total, count) + _log_choose(other_total, all_hits - count)
        return ways - _log_choose(everything, all_hits)

    seen = log_probability(hits)
    possible = range(max(0, all_hits - other_total), min(all_hits, total) + 1)
    # A little slack, since equal probabilities differ in their last digits.
    return min(1.0, sum(math.exp(p) for count in possible if (p := log_probability(count)) <= seen + 1e-7))


def chance_of_times(times: Sequence[float], others: Sequence[float]) -> float:
    """For latencies, whose means a few slow calls rule: the Mann-Whitney test with its correction for ties."""
    count, other_count = len(times), len(others)
    if not count or not other_count:
        return 1.0
    everything = count + other_count
    rank_sum, ties, rank = 0.0, 0.0, 0
    ordered = sorted([*((value, 1) for value in times), *((value, 0) for value in others)])
    for _, same in groupby(ordered, key=lambda pair: pair[0]):
        members = [is_ours for _, is_ours in same]
        size = len(members)
        rank_sum += sum(members) * (rank + (size + 1) / 2)
        ties += size**3 - size
        rank += size
    excess = rank_sum - count * (count + 1) / 2 - count * other_count / 2
    spread = count * other_count / 12 * (everything + 1 - ties / (everything * (everything - 1)))
    return _two_sided(excess / math.sqrt(spread)) if spread > 0 else 1.0


def chance_of_means(values: Sequence[float], others: Sequence[float]) -> float:
    """For costs, where the mean is what is paid: Welch's test in its form for many values."""
    if len(values) < 2 or len(others) < 2:
        return 1.0
    spread = variance(values) / len(values) + variance(others) / len(others)
    difference = fmean(values) - fmean(others)
    if not spread:
        return 0.0 if difference else 1.0
    return _two_sided(difference / math.sqrt(spread))


def _two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
