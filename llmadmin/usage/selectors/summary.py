"""`usage/summary/`: calls grouped as the caller likes, the total beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from llmadmin.core.errors import InvalidError
from llmadmin.usage.dimensions import HOUR, HOUR_KEY, METERS, SEEN, hour_after, hour_of
from llmadmin.usage.folding import CallSums, counted, fold_calls
from llmadmin.usage.histogram import Histogram, merge, percentiles
from llmadmin.usage.models import StaleHour, UsageHour
from llmadmin.usage.money import money_text
from llmadmin.usage.selectors.latency import merged
from llmadmin.usage.selectors.totals import Filters, Totals, filtered, hours, sum_by

INTERVALS = {"hour": "%Y-%m-%dT%H:00:00Z", "day": "%Y-%m-%d", "month": "%Y-%m"}
GROUPS = (*INTERVALS, "provider", "model", "alias", "agent", "service", "team", "status", "error_class")
MAX_GROUPS = 10_000
MAX_STALE_HOURS = 6
MAX_STALE_CALLS = 50_000

Key = tuple[str, ...]


def summary(
    *,
    from_at: datetime,
    to_at: datetime,
    group_by: Sequence[str] = (),
    interval: str | None = None,
    filters: Filters | None = None,
) -> dict[str, Any]:
    """The groups and their total between two moments (the second exclusive), ready for JSON.

    Full hours come from the rollup. Where a bound cuts an hour, and where the rollup is known to be behind (the latest
    hours, as a rule), that hour comes from the raw records, so that the sums are exact to the last record and digit.
    Raises InvalidError.
    """
    groups = _groups_of(group_by, interval)
    if from_at >= to_at:
        raise InvalidError.of(to="Choose an end that lies after the beginning.")
    totals: dict[Key, Totals] = {}
    latencies: dict[Key, Histogram] = {}
    first, last = hour_after(from_at), hour_of(to_at)
    stale = stale_hours(first, last) if first < last else []
    if first < last:
        rows = hours(from_at=first, to_at=last, filters=filters).exclude(hour__in=stale)
        _add_hours(totals, latencies, groups, rows)
    for begin, end in [*_cut_hours(from_at, to_at), *((hour, hour + HOUR) for hour in stale)]:
        _add_records(totals, latencies, groups, begin, end, filters)
    if len(totals) > MAX_GROUPS:
        raise InvalidError.of(
            group_by=f"That makes more than {MAX_GROUPS} groups; choose a shorter time or fewer dimensions."
        )
    results = [(key, figures(totals[key], latencies.get(key, {}))) for key in sorted(totals)] if groups else []
    return {
        "results": [dict(zip(groups, key, strict=True)) | numbers for key, numbers in results],
        "total": _total(totals, latencies),
    }


def figures(totals: Totals, latency: Mapping[int, int]) -> dict[str, Any]:
    """The numbers of one group as section 6 of the contract names them."""
    p50, p95, p99 = percentiles(latency)
    return {
        "calls": totals.calls,
        "errors": totals.errors,
        "recovered": totals.recovered,
        "unpriced_calls": totals.unpriced_calls,
        "cost_usd": money_text(totals.known_cost_usd),
        **{meter: getattr(totals, meter) for meter in METERS},
        "latency_ms_p50": p50,
        "latency_ms_p95": p95,
        "latency_ms_p99": p99,
    }


def _groups_of(group_by: Sequence[str], interval: str | None) -> tuple[str, ...]:
    groups = list(dict.fromkeys(group_by))
    if interval:
        if interval not in INTERVALS:
            raise InvalidError.of(interval=f"Choose one of {', '.join(INTERVALS)}.")
        groups = [interval, *(name for name in groups if name != interval)]
    unknown = [name for name in groups if name not in GROUPS]
    if unknown:
        raise InvalidError.of(group_by=f"There is no group '{unknown[0][:64]}'; choose of {', '.join(GROUPS)}.")
    return tuple(groups)


def stale_hours(first: datetime, last: datetime) -> list[datetime]:
    """Full hours whose rollup is behind: the latest few of them, as long as they are small enough to be added up here."""
    waiting = StaleHour.objects.filter(hour__gte=first, hour__lt=last).order_by("-hour")
    latest = list(waiting.values_list("hour", flat=True)[:MAX_STALE_HOURS])
    return [
        hour
        for hour in latest
        if counted(from_at=hour, to_at=hour + HOUR)[: MAX_STALE_CALLS + 1].count() <= MAX_STALE_CALLS
    ]


def _cut_hours(from_at: datetime, to_at: datetime) -> list[tuple[datetime, datetime]]:
    """The parts of hours at the two ends of the span."""
    first, last = hour_of(from_at), hour_of(to_at)
    if first == last:
        return [(from_at, to_at)]
    cuts = []
    if first != from_at:
        cuts.append((from_at, first + HOUR))
    if last != to_at:
        cuts.append((last, to_at))
    return cuts


def _add_hours(
    totals: dict[Key, Totals],
    latencies: dict[Key, Histogram],
    groups: Sequence[str],
    rows: QuerySet[UsageHour],
) -> None:
    columns = list(dict.fromkeys("hour" if name in INTERVALS else name for name in groups))
    for values, more in sum_by(rows, keys=columns):
        if more.calls:
            _put(totals, _key(groups, columns, values), more)
    for values, histogram in merged(rows, keys=columns).items():
        merge(latencies.setdefault(_key(groups, columns, values), {}), histogram)


def _add_records(
    totals: dict[Key, Totals],
    latencies: dict[Key, Histogram],
    groups: Sequence[str],
    begin: datetime,
    end: datetime,
    filters: Filters | None,
) -> None:
    for values, sums in fold_calls(filtered(counted(from_at=begin, to_at=end), filters)).items():
        key = _key(groups, ("hour", *HOUR_KEY), (hour_of(begin), *values))
        _put(totals, key, totals_of(sums, status=values[HOUR_KEY.index("status")]))
        merge(latencies.setdefault(key, {}), sums.latency)


def _key(groups: Sequence[str], columns: Sequence[str], values: Sequence[Any]) -> Key:
    known = dict(zip(columns, values, strict=True))
    return tuple(
        known["hour"].astimezone(UTC).strftime(INTERVALS[name]) if name in INTERVALS else known[name] for name in groups
    )


def _put(totals: dict[Key, Totals], key: Key, more: Totals) -> None:
    known = totals.setdefault(key, Totals())
    known += more


def totals_of(sums: CallSums, *, status: str) -> Totals:
    """What folded records add up to, as the rollup of their hour would say it."""
    return Totals(
        calls=sums.calls,
        errors=sums.calls if status in SEEN else 0,
        recovered=sums.calls if status == "recovered" else 0,
        cancelled=sums.calls if status == "cancelled" else 0,
        attempts=sums.attempts,
        fallbacks=sums.fallbacks,
        cache_hits=sums.cache_hits,
        unpriced_calls=sums.unpriced_calls,
        unpriced_tokens=sums.unpriced_tokens,
        cost_usd=sums.cost_usd,
        **dict(zip(METERS, sums.meters, strict=True)),
    )


def _total(totals: Mapping[Key, Totals], latencies: Mapping[Key, Histogram]) -> dict[str, Any]:
    everything = Totals()
    latency: Histogram = {}
    for one in totals.values():
        everything += one
    for histogram in latencies.values():
        merge(latency, histogram)
    return figures(everything, latency)
