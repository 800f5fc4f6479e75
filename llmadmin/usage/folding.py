"""Adding up the raw records of a span: the one place where rows become sums, for the rollup and for whoever proves it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from llmadmin.usage.dimensions import ANSWERED, HOUR_KEY, METERS
from llmadmin.usage.histogram import Histogram, add
from llmadmin.usage.models import Attempt, UsageRecord

_RECORD_COLUMNS = (
    *HOUR_KEY, "cost_usd", "latency_ms", "ttft_ms", "attempt_count", "fallback_count", "is_cache_hit", *METERS,
)  # fmt: skip
_ATTEMPT_COLUMNS = (
    "provider", "model", "key_id", "status", "error_class", "latency_ms", "message", "started_at",
    "record_id", "record__started_at", "record__status",
)  # fmt: skip
_SOLE_COLUMNS = (
    "provider",
    "model",
    "key_id",
    "status",
    "error_class",
    "latency_ms",
    "error_message",
    "started_at",
    "id",
)
_CHUNK = 2000


@dataclass(slots=True)
class CallSums:
    """What the calls of one combination of dimensions add up to."""

    calls: int = 0
    attempts: int = 0
    fallbacks: int = 0
    cache_hits: int = 0
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    meters: list[int] = field(default_factory=lambda: [0] * len(METERS))
    latency: Histogram = field(default_factory=dict)
    ttft: Histogram = field(default_factory=dict)


@dataclass(slots=True)
class AttemptSums:
    """What the tries of one target with one outcome add up to."""

    first_at: datetime
    last_at: datetime
    attempts: int = 0
    absorbed: int = 0
    quarters: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    latency: Histogram = field(default_factory=dict)
    example: str = ""
    example_record_id: uuid.UUID | None = None


def counted(*, from_at: datetime, to_at: datetime) -> QuerySet[UsageRecord]:
    """The records that count between two moments (the second exclusive): all but those that are still open."""
    return (
        UsageRecord.objects.filter(started_at__gte=from_at, started_at__lt=to_at).exclude(settlement="open").order_by()
    )


def fold_calls(records: QuerySet[UsageRecord]) -> dict[tuple[str, ...], CallSums]:
    """The sums of each combination of `HOUR_KEY`."""
    sums: dict[tuple[str, ...], CallSums] = {}
    width = len(HOUR_KEY)
    for row in records.values_list(*_RECORD_COLUMNS).iterator(chunk_size=_CHUNK):
        key = tuple(_text(value) for value in row[:width])
        one = sums.get(key)
        if one is None:
            one = sums[key] = CallSums()
        cost_usd, latency_ms, ttft_ms, attempts, fallbacks, is_cache_hit, *meters = row[width:]
        one.calls += 1
        one.attempts += attempts
        one.fallbacks += fallbacks
        one.cache_hits += is_cache_hit
        if cost_usd is None:
            one.unpriced_calls += 1
            one.unpriced_tokens += sum(meters)
        else:
            one.cost_usd += cost_usd
        one.meters = [known + more for known, more in zip(one.meters, meters, strict=True)]
        add(one.latency, latency_ms)
        add(one.ttft, ttft_ms)
    return sums


def fold_attempts(*, from_at: datetime, to_at: datetime) -> dict[tuple[str, ...], AttemptSums]:
    """The sums of each combination of `ATTEMPT_KEY`, for the calls that began between the two moments.

    A call that was reported without its attempts counts as one try at its target.
    """
    sums: dict[tuple[str, ...], AttemptSums] = {}
    for row in _tries(from_at=from_at, to_at=to_at):
        provider, model, key_id, status, error_class, latency_ms, message, at, record_id, call_at, call_status = row
        key = (provider, model, _text(key_id), status, error_class)
        one = sums.get(key)
        if one is None:
            one = sums[key] = AttemptSums(first_at=at, last_at=at)
        one.attempts += 1
        one.absorbed += status == "error" and call_status in ANSWERED
        one.quarters[call_at.minute // 15] += 1
        add(one.latency, latency_ms)
        one.first_at = min(one.first_at, at)
        if status == "error" and (at >= one.last_at or not one.example):
            one.example, one.example_record_id = message[:300], record_id
        one.last_at = max(one.last_at, at)
    return sums


def _tries(*, from_at: datetime, to_at: datetime) -> Iterator[tuple[Any, ...]]:
    of_calls = Attempt.objects.filter(record__started_at__gte=from_at, record__started_at__lt=to_at)
    yield from (
        of_calls.exclude(record__settlement="open")
        .order_by()
        .values_list(*_ATTEMPT_COLUMNS)
        .iterator(chunk_size=_CHUNK)
    )
    alone = counted(from_at=from_at, to_at=to_at).filter(attempts__isnull=True, is_cache_hit=False).exclude(provider="")
    for row in alone.values_list(*_SOLE_COLUMNS).iterator(chunk_size=_CHUNK):
        provider, model, key_id, status, error_class, latency_ms, message, started_at, record_id = row
        outcome = "ok" if status in ANSWERED else "cancelled" if status == "cancelled" else "error"
        yield (
            provider, model, key_id, outcome, error_class if outcome == "error" else "", latency_ms, message, started_at,
            record_id, started_at, status,
        )  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)
