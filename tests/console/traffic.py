"""Calls for the pages that read usage: stored and rolled up, around one fixed moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.services import roll_up_stale, store
from tests.usage.calls import attempt, call, failed

NOW = datetime(2026, 3, 10, 12, 40, tzinfo=UTC)
HOSTILE = 'مساعد<script>alert("x")</script>'


def keep(*entries: UsageEntry) -> None:
    store(list(entries))
    roll_up_stale()


def made(minutes_ago: float = 5, **fields: Any) -> UsageEntry:
    """A priced call some minutes ago, with one try at its own target."""
    at = NOW - timedelta(minutes=minutes_ago)
    fields = {"started_at": at, "cost_usd": Decimal("0.01")} | fields
    entry = call(**fields)
    if "attempts" not in fields:
        entry.attempts = [attempt(entry.provider, model=entry.model, started_at=at)]
    return entry


def broken(
    minutes_ago: float = 5, *, error_class: str = "service", message: str = "Overloaded", **fields: Any
) -> UsageEntry:
    """A call that ended in an error for its caller."""
    at = NOW - timedelta(minutes=minutes_ago)
    tries = [failed(fields.get("provider", "sim"), error_class=error_class, message=message, started_at=at)]
    return made(
        minutes_ago,
        status="error",
        error_class=error_class,
        error_message=message,
        http_status=503,
        cost_usd=Decimal(0),
        attempts=tries,
        **fields,
    )


def saved(minutes_ago: float = 5, *, error_class: str = "rate_limit", **fields: Any) -> UsageEntry:
    """A call whose first try failed and whose second one answered."""
    at = NOW - timedelta(minutes=minutes_ago)
    tries = [
        failed("sim", error_class=error_class, started_at=at),
        attempt("other", started_at=at + timedelta(seconds=1)),
    ]
    return made(
        minutes_ago,
        provider="other",
        model="other/alpha",
        status="recovered",
        attempt_count=2,
        fallback_count=1,
        attempts=tries,
        **fields,
    )


def many(count: int) -> None:
    """`count` calls of as many names each, some of them unpriced, broken or saved."""
    makers = (made, broken, saved, made)
    keep(
        *(
            makers[index % 4](
                30 * index,
                model=f"sim/m{index}",
                alias=f"alias-{index}",
                agent=f"agent-{index}",
                service=f"service-{index}",
                **({"cost_usd": None} if index % 4 == 3 else {}),
            )
            if index % 4 != 2
            else saved(30 * index, alias=f"alias-{index}", service=f"service-{index}")
            for index in range(count)
        )
    )
