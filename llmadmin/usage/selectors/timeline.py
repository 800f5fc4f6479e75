"""Sums over time in the viewer's zone, one series for each value of a dimension."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from llmadmin.usage.dimensions import DIMENSIONS, HOUR
from llmadmin.usage.selectors.totals import Filters, Totals, hours, sum_by

CHARTED = ("calls", "errors", "recovered", "unpriced_calls", "cost_usd")
OTHERS = "other"


@dataclass(slots=True)
class Series:
    """One value of the dimension over the buckets, as long as `Timeline.starts`; `name` is empty for calls without one."""

    name: str
    points: list[Totals]
    total: Totals
    is_others: bool = False
    """All the small ones together."""


@dataclass(slots=True)
class Timeline:
    """Buckets by their beginning (days and months in the viewer's zone, hours in UTC), and the series, largest first.

    `points` and `total` sum up all series; of `Totals` only the fields in `CHARTED` are filled.
    """

    interval: str
    starts: list[datetime]
    series: list[Series]
    points: list[Totals]
    total: Totals = field(default_factory=Totals)


def timeline(
    *,
    from_at: datetime,
    to_at: datetime,
    interval: str = "day",
    by: str | None = None,
    zone: tzinfo = UTC,
    filters: Filters | None = None,
    most_series: int = 8,
    rank_by: str = "cost_usd",
) -> Timeline:
    """Usage between two moments, by `hour`, `day` or `month` of `zone`; one query.

    Days are sums of UTC hours: an hour belongs to the day in which it begins, whole, also where a zone's day begins at
    half past. With `by`, the `most_series` largest stand alone and the rest is one series.
    """
    if by is not None and by not in DIMENSIONS:
        raise ValueError(f"Usage has no dimension {by}.")
    starts = bucket_starts(from_at, to_at, interval=interval, zone=zone)
    position = {start: index for index, start in enumerate(starts)}
    keys = ("hour", by) if by else ("hour",)
    grid: dict[str, list[Totals]] = defaultdict(lambda: [Totals() for _ in starts])
    for values, totals in sum_by(hours(from_at=from_at, to_at=to_at, filters=filters), keys=keys, of=CHARTED):
        bucket = grid[values[1] if by else ""][position[bucket_of(values[0], interval=interval, zone=zone)]]
        bucket += totals
    series = [Series(name, points, _sum(points)) for name, points in grid.items()]
    series.sort(key=lambda one: (-getattr(one.total, rank_by), -one.total.calls, one.name))
    points = [_sum([one.points[index] for one in series]) for index in range(len(starts))]
    return Timeline(interval, starts, _with_others(series, most_series), points, _sum(points))


def bucket_starts(from_at: datetime, to_at: datetime, *, interval: str, zone: tzinfo) -> list[datetime]:
    """The beginnings of all buckets that a UTC hour of the span falls into, empty ones too, in order."""
    hour = from_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if hour < from_at:
        hour += HOUR
    starts: list[datetime] = []
    while hour < to_at:
        start = bucket_of(hour, interval=interval, zone=zone)
        if not starts or starts[-1] != start:
            starts.append(start)
        hour += HOUR
    return starts


def bucket_of(hour: datetime, *, interval: str, zone: tzinfo) -> datetime:
    """The beginning of the day or month of `zone` in which a UTC hour begins; the hour itself, in UTC, for `hour`.

    Hours stay in UTC because two of them share a name in the night in which clocks go back.
    """
    if interval == "hour":
        return hour.astimezone(UTC)
    local = hour.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if interval == "day":
        return local
    if interval == "month":
        return local.replace(day=1)
    raise ValueError(f"There is no interval {interval}; choose hour, day or month.")


def local_midnight(moment: datetime, *, zone: tzinfo, days_back: int = 0) -> datetime:
    """The beginning of the viewer's day that lies `days_back` days before the one of `moment`."""
    local = moment.astimezone(zone)
    day = (local - timedelta(days=days_back)).date() if days_back else local.date()
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _sum(points: Sequence[Totals]) -> Totals:
    total = Totals()
    for point in points:
        total += point
    return total


def _with_others(series: list[Series], most: int) -> list[Series]:
    if len(series) <= most:
        return series
    alone, rest = series[: most - 1], series[most - 1 :]
    columns: Any = zip(*(one.points for one in rest), strict=True)
    points = [_sum(column) for column in columns]
    return [*alone, Series(OTHERS, points, _sum(points), is_others=True)]
