"""Folding hours of raw records into the rollups that pages read."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connection, transaction

from llmadmin.usage.dimensions import ATTEMPT_KEY, HOUR, HOUR_KEY, METERS, hour_after, hour_of
from llmadmin.usage.folding import counted, fold_attempts, fold_calls
from llmadmin.usage.histogram import to_json
from llmadmin.usage.models import AttemptHour, StaleHour, UsageHour

_LOCK_CLASS = 0x757361
"""Tells our advisory locks on hours from others; "usa" in ASCII."""


def roll_up(hour: datetime) -> int:
    """Fold one UTC hour of usage records into `UsageHour` and `AttemptHour`; return the rows written to the first.

    Safe to repeat and to run twice at once: the hour is replaced, never added to, so a late record only needs its hour
    rolled up again. Readers see the hour as it was or as it is, nothing between.
    """
    hour = hour_of(hour)
    with transaction.atomic():
        _lock(hour)
        # Read before the records: whoever stores one afterwards draws another mark, and the hour stays stale.
        mark = StaleHour.objects.filter(hour=hour).values_list("mark", flat=True).first()
        calls = _call_rows(hour)
        attempts = _attempt_rows(hour)
        UsageHour.objects.filter(hour=hour).delete()
        AttemptHour.objects.filter(hour=hour).delete()
        UsageHour.objects.bulk_create(calls, batch_size=500)
        AttemptHour.objects.bulk_create(attempts, batch_size=500)
        if mark is not None:
            StaleHour.objects.filter(hour=hour, mark=mark).delete()
    return len(calls)


def roll_up_stale(
    *, from_at: datetime | None = None, to_at: datetime | None = None, budget_s: float | None = None
) -> int:
    """Roll up the hours that records were added to, newest first, and return how many.

    `budget_s` stops before the next hour once so much time has gone; what is left stays marked.
    """
    stale = StaleHour.objects.order_by("-hour")
    if from_at is not None:
        stale = stale.filter(hour__gte=hour_of(from_at))
    if to_at is not None:
        stale = stale.filter(hour__lt=hour_after(to_at))
    began_s = time.monotonic()
    done = 0
    for hour in list(stale.values_list("hour", flat=True)):
        if budget_s is not None and done and time.monotonic() - began_s >= budget_s:
            break
        roll_up(hour)
        done += 1
    return done


def _lock(hour: datetime) -> None:
    """One rollup of an hour at a time. SQLite's write transactions stand in line anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, int(hour.timestamp() // 3600)])


def _call_rows(hour: datetime) -> list[UsageHour]:
    return [
        UsageHour(
            hour=hour,
            **dict(zip(HOUR_KEY, key, strict=True)),
            **dict(zip(METERS, sums.meters, strict=True)),
            calls=sums.calls,
            attempts=sums.attempts,
            fallbacks=sums.fallbacks,
            cache_hits=sums.cache_hits,
            unpriced_calls=sums.unpriced_calls,
            unpriced_tokens=sums.unpriced_tokens,
            cost_usd=sums.cost_usd,
            latency_histogram=to_json(sums.latency),
            ttft_histogram=to_json(sums.ttft),
        )
        for key, sums in fold_calls(counted(from_at=hour, to_at=hour + HOUR)).items()
    ]


def _attempt_rows(hour: datetime) -> list[AttemptHour]:
    return [
        AttemptHour(
            hour=hour,
            **dict(zip(ATTEMPT_KEY, key, strict=True)),
            attempts=sums.attempts,
            absorbed=sums.absorbed,
            quarters=sums.quarters,
            latency_histogram=to_json(sums.latency),
            first_at=sums.first_at,
            last_at=sums.last_at,
            example=sums.example,
            example_record_id=sums.example_record_id,
        )
        for key, sums in fold_attempts(from_at=hour, to_at=hour + HOUR).items()
    ]
