"""The error page: what failed at which provider, what callers saw of it and what was absorbed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, QuerySet, Sum

from llmadmin.usage.dimensions import SEEN
from llmadmin.usage.models import AttemptHour
from llmadmin.usage.selectors.timeline import bucket_of, bucket_starts
from llmadmin.usage.selectors.totals import Filters, Totals, hours, sum_by, total_of

ERROR_FILTERS = ("provider", "model", "error_class", "key_id")


@dataclass(slots=True)
class ErrorRow:
    """One class of failure at one provider.

    `attempts` are failed tries, of them `absorbed` in calls that were answered all the same; `calls` are the calls that
    ended in this class for their callers, and what the requests explorer lists.
    """

    error_class: str
    provider: str
    attempts: int
    absorbed: int
    calls: int
    first_at: datetime | None
    last_at: datetime | None
    example: str = ""
    example_record_id: UUID | None = None

    @property
    def seen(self) -> int:
        """Failed tries of calls whose callers got no answer."""
        return self.attempts - self.absorbed


@dataclass(slots=True)
class ErrorTable:
    """`total` counts calls: `total.errors` were seen by callers, `total.recovered` were absorbed."""

    rows: list[ErrorRow]
    total: Totals
    attempts: int = 0
    absorbed: int = 0


@dataclass(slots=True)
class ErrorSeries:
    """One class over the buckets: failed tries, those absorbed apart from those that callers saw."""

    error_class: str
    seen: list[int]
    absorbed: list[int]

    @property
    def total(self) -> int:
        return sum(self.seen) + sum(self.absorbed)


@dataclass(slots=True)
class ErrorTimeline:
    """Buckets by their beginning in the viewer's zone; `attempts` are all tries, failed or not, for the rate."""

    interval: str
    starts: list[datetime]
    series: list[ErrorSeries]
    attempts: list[int] = field(default_factory=list)


def error_table(*, from_at: datetime, to_at: datetime, filters: Filters | None = None) -> ErrorTable:
    """Class by provider between two moments, most frequent first; four queries on the rollup.

    The filters are those of `ERROR_FILTERS`.
    """
    failed = _failed(from_at, to_at, filters)
    rows = {
        (row["error_class"], row["provider"]): ErrorRow(
            row["error_class"], row["provider"], row["tries"], row["answered"], 0, row["first"], row["last"]
        )
        for row in failed.values("error_class", "provider").annotate(
            tries=Sum("attempts"), answered=Sum("absorbed"), first=Min("first_at"), last=Max("last_at")
        )
    }
    calls = hours(from_at=from_at, to_at=to_at, filters=filters)
    for key, totals in sum_by(calls.filter(status__in=SEEN), keys=("error_class", "provider"), of=("calls",)):
        row = rows.setdefault((key[0], key[1]), ErrorRow(key[0], key[1], 0, 0, 0, None, None))
        row.calls = totals.calls
    _add_examples(rows, failed)
    table = sorted(rows.values(), key=lambda row: (-row.attempts, -row.calls, row.error_class, row.provider))
    return ErrorTable(
        rows=table,
        total=total_of(calls),
        attempts=sum(row.attempts for row in table),
        absorbed=sum(row.absorbed for row in table),
    )


def error_timeline(
    *, from_at: datetime, to_at: datetime, interval: str = "hour", zone: tzinfo = UTC, filters: Filters | None = None
) -> ErrorTimeline:
    """Failed tries over time by class, those with most first; one query."""
    starts = bucket_starts(from_at, to_at, interval=interval, zone=zone)
    position = {start: index for index, start in enumerate(starts)}
    attempts = [0] * len(starts)
    series: dict[str, ErrorSeries] = defaultdict(lambda: ErrorSeries("", [0] * len(starts), [0] * len(starts)))
    rows = _tries(from_at, to_at, filters).values_list("hour", "status", "error_class")
    for hour, status, error_class, tries, answered in rows.annotate(tries=Sum("attempts"), answered=Sum("absorbed")):
        index = position[bucket_of(hour, interval=interval, zone=zone)]
        attempts[index] += tries
        if status == "error":
            one = series[error_class]
            one.error_class = error_class
            one.absorbed[index] += answered
            one.seen[index] += tries - answered
    ranked = sorted(series.values(), key=lambda one: (-one.total, one.error_class))
    return ErrorTimeline(interval, starts, ranked, attempts)


def _tries(from_at: datetime, to_at: datetime, filters: Filters | None) -> QuerySet[AttemptHour]:
    rows = AttemptHour.objects.filter(hour__gte=from_at, hour__lt=to_at).order_by()
    for name, value in (filters or {}).items():
        if name not in ERROR_FILTERS:
            raise ValueError(f"Errors can't be filtered by {name}.")
        if value not in (None, "", [], ()):
            rows = rows.filter(**{f"{name}__in" if isinstance(value, list | tuple) else name: value})
    return rows


def _failed(from_at: datetime, to_at: datetime, filters: Filters | None) -> QuerySet[AttemptHour]:
    return _tries(from_at, to_at, filters).filter(status="error")


def _add_examples(rows: dict[tuple[str, str], ErrorRow], failed: QuerySet[AttemptHour]) -> None:
    """The latest words of each class at each provider, out of the hours in which they were said last."""
    lasts = [row.last_at for row in rows.values() if row.last_at is not None]
    if not lasts:
        return
    columns = ("error_class", "provider", "last_at", "example", "example_record_id")
    latest: Any = failed.filter(last_at__in=lasts).values_list(*columns)
    for error_class, provider, last_at, example, record_id in latest:
        row = rows[error_class, provider]
        if row.last_at == last_at:
            row.example, row.example_record_id = example, record_id
