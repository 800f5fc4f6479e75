"""Who calls a name: services with their calls and their last one, from the rollup."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max, Q, Sum

from llmadmin.usage.selectors.totals import hours

LOOK_BACK = dt.timedelta(days=90)
WEEK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CallerRow:
    """One service. `last_hour` is the UTC hour of its last call, `calls` are those of the last seven days."""

    service: str
    calls: int
    last_hour: dt.datetime


def callers_of_alias(alias: str, *, now: dt.datetime, most: int = 100) -> list[CallerRow]:
    """Services that called an alias in the last 90 days, the latest first. One query."""
    in_week = Q(hour__gte=now - WEEK)
    rows = (
        hours(from_at=now - LOOK_BACK, to_at=now, filters={"alias": alias})
        .values("service")
        .annotate(last=Max("hour"), week=Sum("calls", filter=in_week))
        .order_by("-last", "service")
    )
    return [CallerRow(row["service"], row["week"] or 0, row["last"]) for row in rows[:most]]
