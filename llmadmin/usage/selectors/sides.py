"""The calls on the two sides of a canary: raw records, by an index of their own, and never more than a fixed number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from llmadmin.usage.models import UsageRecord

MAX_CALLS_OF_A_SIDE = 5_000


class SideCall(NamedTuple):
    """What one call says for its side."""

    status: str
    latency_ms: float
    ttft_ms: float | None
    cost_usd: Decimal | None
    fallback_count: int


def calls_of_side(alias: str, side: str, *, since: datetime, most: int = MAX_CALLS_OF_A_SIDE) -> Iterator[SideCall]:
    """The latest `most` settled calls of an alias on one side. Answers from the cache say nothing of it and are left out."""
    rows = UsageRecord.objects.filter(alias=alias, side=side, started_at__gte=since, is_cache_hit=False)
    settled = rows.exclude(settlement="open").order_by("-started_at")
    for row in settled.values_list(*SideCall._fields)[:most]:
        yield SideCall(*row)
