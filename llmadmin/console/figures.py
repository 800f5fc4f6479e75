"""Calls and spend beside the objects of a list, from the rollup: one query for the whole list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from llmadmin.console.charts import sparkline
from llmadmin.usage.dimensions import HOUR, hour_of
from llmadmin.usage.selectors import Totals, local_midnight, parts, summary, timeline

Figures = dict[str, Any]


def figures_by(dimension: str, *, days: int = 7) -> dict[str, Figures]:
    """Name → calls, errors, cost and latency of the last `days`, in full hours. Names without a call are not there."""
    to_at = timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    found = summary(from_at=to_at - dt.timedelta(days=days), to_at=to_at, group_by=[dimension])
    return {
        row[dimension]: row | {"error_share": row["errors"] / row["calls"] if row["calls"] else None}
        for row in found["results"]
    }


def figures_of(dimension: str, name: str, *, days: int = 7) -> Figures | None:
    """The same of one name, for its own page; None without a call."""
    to_at = hour_of(timezone.now()) + HOUR
    found = summary(from_at=to_at - dt.timedelta(days=days), to_at=to_at, filters={dimension: name})["total"]
    return found | {"error_share": found["errors"] / found["calls"]} if found["calls"] else None


def calls_by(dimension: str, names: Iterable[str], *, days: int = 7) -> dict[str, Totals]:
    """Name → calls and cost of the last `days`, of the names on a page: without latencies, which take the most time."""
    to_at = hour_of(timezone.now()) + HOUR
    shown = list(names)
    if not shown:
        return {}
    return parts(from_at=to_at - dt.timedelta(days=days), to_at=to_at, by=[dimension], filters={dimension: shown}).by[
        dimension
    ]


class Trends:
    """Small lines of spend by day over the last week in the viewer's zone, for every value of a dimension. One query."""

    DAYS = 7
    MOST = 200

    def __init__(self, dimension: str) -> None:
        zone, now = timezone.get_current_timezone(), timezone.now()
        from_at = local_midnight(now, zone=zone, days_back=self.DAYS - 1)
        week = timeline(from_at=from_at, to_at=now, by=dimension, zone=zone, most_series=self.MOST)
        self._flat = [Decimal(0)] * len(week.starts)
        self._spent = {one.name: [point.cost_usd for point in one.points] for one in week.series}

    def line_of(self, name: str) -> SafeString:
        spent = self._spent.get(name, self._flat)
        return sparkline(spent, label=f"Spend of {name} by day, the last {self.DAYS} days")
