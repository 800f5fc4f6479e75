"""Latencies as counts in logarithmic buckets: any hours merge, and a percentile is off by less than 2 %.

Bucket `i` holds values above `1.04^(i-1)` up to `1.04^i` milliseconds. A time of 0 means that nobody measured it and is
left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import orjson

_GROWTH = 1.04
_LOG_GROWTH = math.log(_GROWTH)
_MIDDLE = 2 / (1 + _GROWTH)
_SHORTEST_MS = 0.001

Histogram = dict[int, int]


def bucket_of(value_ms: float) -> int:
    return math.ceil(math.log(max(value_ms, _SHORTEST_MS)) / _LOG_GROWTH)


def value_of(bucket: int) -> float:
    """The value in milliseconds that stands for all of a bucket."""
    return _GROWTH**bucket * _MIDDLE


def add(histogram: Histogram, value_ms: float | None) -> None:
    if value_ms:
        bucket = bucket_of(value_ms)
        histogram[bucket] = histogram.get(bucket, 0) + 1


def merge(into: Histogram, other: Mapping[int, int]) -> None:
    for bucket, calls in other.items():
        into[bucket] = into.get(bucket, 0) + calls


def merge_text(into: Histogram, text: str | bytes) -> None:
    """Merge a histogram as its column holds it, without a detour over Django's slower JSON."""
    for bucket, calls in orjson.loads(text).items():
        key = int(bucket)
        into[key] = into.get(key, 0) + calls


def to_json(histogram: Mapping[int, int]) -> dict[str, int]:
    return {str(bucket): histogram[bucket] for bucket in sorted(histogram)}


def percentile(histogram: Mapping[int, int], share: float) -> float | None:
    """The value in milliseconds that `share` (0 to 1) of the calls do not exceed; None when nothing was measured."""
    total = sum(histogram.values())
    if not total:
        return None
    rank = max(1, math.ceil(share * total))
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return round(value_of(bucket), 3)
    return None


def percentiles(histogram: Mapping[int, int], shares: Iterable[float] = (0.5, 0.95, 0.99)) -> list[float | None]:
    return [percentile(histogram, share) for share in shares]
