"""Calls and spend beside the objects of a list, from the rollup: one query for the whole list."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from llmadmin.console.charts import sparkline
from llmadmin.usage.selectors import local_midnight, summary, timeline

Figures = dict[str, Any]


def figures_by(dimension: str, *, days: int = 7) -> dict[str, Figures]:
    """Name → calls, errors, cost and latency of the last `days`, in full hours. Names without a call are not there."""
    to_at = timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    found = summary(from_at=to_at - dt.timedelta(days=days), to_at=to_at, group_by=[dimension])
    return {
        row[dimension]: row | {"error_share": row["errors"] / row["calls"] if row["calls"] else None}
        for row in found["results"]
    }


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
