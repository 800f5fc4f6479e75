"""Calls and spend beside the objects of a list, from the rollup: one query for the whole list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from llmadmin.usage.selectors import summary

Figures = dict[str, Any]


def figures_by(dimension: str, *, days: int = 7) -> dict[str, Figures]:
    """Name → calls, errors, cost and latency of the last `days`, in full hours. Names without a call are not there."""
    to_at = timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    found = summary(from_at=to_at - dt.timedelta(days=days), to_at=to_at, group_by=[dimension])
    return {
        row[dimension]: row | {"error_share": row["errors"] / row["calls"] if row["calls"] else None}
        for row in found["results"]
    }
