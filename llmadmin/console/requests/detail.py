"""One call taken apart: its tries on a time axis, its meters and what each of them cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

from llmadmin.console import formats
from llmadmin.console.charts import Span, span_axis, span_bar
from llmadmin.usage.dimensions import METERS
from llmadmin.usage.models import Attempt, UsageRecord
from providers.entries import PRICE_FIELDS

_LABELS = {
    "input_tokens": "Input",
    "cached_input_tokens": "Cached input",
    "cache_write_tokens": "Cache write",
    "output_tokens": "Output",
    "reasoning_tokens": "Reasoning",
}
_RATE_BY_METER = dict(zip(METERS, PRICE_FIELDS, strict=True))
_CSS = {"error": "span-error", "cancelled": "span-cancelled"}
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class MeterLine:
    """Tokens of one meter, the rate that was used, and what they cost (None: no rate was known)."""

    label: str
    tokens: int
    rate: Decimal | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class TriedLine:
    """One try with its bar; `after_ms` is when it began, counted from the call."""

    attempt: Attempt
    after_ms: float
    bar: SafeString


@dataclass(frozen=True, slots=True)
class Timeline:
    lines: list[TriedLine]
    axis: SafeString


def meter_lines(record: UsageRecord) -> list[MeterLine]:
    """The meters that counted something; input and output always."""
    rates = record.rates or {}
    lines = []
    for meter in METERS:
        tokens = getattr(record, meter)
        if not tokens and meter not in ("input_tokens", "output_tokens"):
            continue
        written = rates.get(_RATE_BY_METER[meter])
        rate = Decimal(str(written)) if written is not None else None
        lines.append(MeterLine(_LABELS[meter], tokens, rate, None if rate is None else tokens * rate / _MILLION))
    return lines


def timeline_of(record: UsageRecord) -> Timeline | None:
    """The tries of a call on one axis; None for a call without any (an answer from the cache)."""
    attempts = list(record.attempts.all())
    if not attempts:
        return None
    begin = min(record.started_at, *(attempt.started_at for attempt in attempts))
    offsets = [(attempt.started_at - begin).total_seconds() * 1000 for attempt in attempts]
    whole_ms = max(record.latency_ms, *(after + one.latency_ms for after, one in zip(offsets, attempts, strict=True)))
    lines = [
        TriedLine(attempt, after_ms, span_bar(_span(attempt, after_ms), whole_ms=whole_ms))
        for attempt, after_ms in zip(attempts, offsets, strict=True)
    ]
    return Timeline(lines, span_axis(whole_ms=whole_ms, format_value=formats.duration))


def _span(attempt: Attempt, after_ms: float) -> Span:
    return Span(
        start_ms=after_ms,
        length_ms=attempt.latency_ms,
        css=_CSS.get(attempt.status, "span-ok"),
        label=f"From {formats.duration(after_ms)} on, for {formats.duration(attempt.latency_ms)}: {attempt.status}",
        first_ms=attempt.ttft_ms,
    )
