"""Folding hours of raw records into the rollups that pages read."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from operator import attrgetter

from django.db import connection, transaction

from llmadmin.usage.dimensions import ATTEMPT_KEY, HOUR, HOUR_KEY, METERS, hour_after, hour_of
from llmadmin.usage.folding import counted, fold_attempts, fold_calls
from llmadmin.usage.histogram import to_json
from llmadmin.usage.models import AttemptHour, StaleHour, UsageHour
from llmadmin.usage.rows import Table

_NUMBERS = ("calls", "attempts", "fallbacks", "cache_hits", "unpriced_calls", "unpriced_tokens", "cost_usd")
_ATTEMPT_SUMS = ("attempts", "absorbed", "quarters", "first_at", "last_at", "example", "example_record_id")
_numbers_of = attrgetter(*_NUMBERS)
_attempts_of = attrgetter(*_ATTEMPT_SUMS)
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
        written = _write_calls(hour)
        _write_attempts(hour)
        if mark is not None:
            StaleHour.objects.filter(hour=hour, mark=mark).delete()
    return written


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


def _write_calls(hour: datetime) -> int:
    table = _hours(connection.vendor)
    folded = fold_calls(counted(from_at=hour, to_at=hour + HOUR))
    UsageHour.objects.filter(hour=hour).delete()
    table.insert(
        [
            table.row([hour, *key, *sums.meters, *_numbers_of(sums), to_json(sums.latency), to_json(sums.ttft)])
            for key, sums in folded.items()
        ]
    )
    return len(folded)


def _write_attempts(hour: datetime) -> None:
    table = _attempt_hours(connection.vendor)
    folded = fold_attempts(from_at=hour, to_at=hour + HOUR)
    AttemptHour.objects.filter(hour=hour).delete()
    table.insert([table.row([hour, *key, *_attempts_of(sums), to_json(sums.latency)]) for key, sums in folded.items()])


@cache
def _hours(vendor: str) -> Table:
    names = ["hour", *HOUR_KEY, *METERS, *_NUMBERS, "latency_histogram", "ttft_histogram"]
    return Table(UsageHour, names, vendor=vendor)


@cache
def _attempt_hours(vendor: str) -> Table:
    return Table(AttemptHour, ["hour", *ATTEMPT_KEY, *_ATTEMPT_SUMS, "latency_histogram"], vendor=vendor)
