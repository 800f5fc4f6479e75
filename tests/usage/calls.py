"""Entries for tests: one call with what matters said and the rest filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from llmadmin.usage.entry import AttemptEntry, UsageEntry

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def call(**fields: Any) -> UsageEntry:
    """A finished, priced call of `sim/alpha` at noon."""
    values: dict[str, Any] = {
        "started_at": NOON,
        "provider": "sim",
        "model": "sim/alpha",
        "alias": "fast",
        "service": "web",
        "status": "ok",
        "settlement": "final",
        "input_tokens": 100,
        "output_tokens": 20,
        "cost_usd": Decimal("0.000140000001"),
        "latency_ms": 250.0,
    }
    return UsageEntry(**(values | fields))


def attempt(provider: str = "sim", *, model: str = "", **fields: Any) -> AttemptEntry:
    return AttemptEntry(provider, model or f"{provider}/alpha", **({"started_at": NOON, "latency_ms": 100.0} | fields))


def failed(provider: str = "sim", *, error_class: str = "service", **fields: Any) -> AttemptEntry:
    return attempt(
        provider,
        **({"status": "error", "error_class": error_class, "upstream_status": 503, "message": "Overloaded"} | fields),
    )
