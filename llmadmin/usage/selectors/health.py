"""How each provider fares, from the tries of real traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from llmadmin.usage.dimensions import hour_of
from llmadmin.usage.models import AttemptHour

QUARTER = timedelta(minutes=15)
CELLS = 96
DEGRADED_FROM = 0.05
DOWN_FROM = 0.5
CALLERS_FAULT = "invalid_request"
"""Says something about the request, not about the provider."""


@dataclass(slots=True)
class Cell:
    """A quarter of an hour: tries, and those that failed through the provider."""

    at: datetime
    attempts: int = 0
    failures: int = 0

    @property
    def state(self) -> str:
        """`none` without traffic, else `healthy`, `degraded` or `down`."""
        return state_of(self.attempts, self.failures)


@dataclass(slots=True)
class ProviderHealth:
    """24 hours of one provider in quarters of an hour, the latest last. `state` is that of the last quarter with traffic."""

    provider: str
    cells: list[Cell]
    attempts: int = 0
    failures: int = 0
    absorbed: int = 0
    """Failed tries whose callers were answered all the same."""
    last_failure: str = field(default="")
    """The vendor's words."""

    @property
    def state(self) -> str:
        return next((cell.state for cell in reversed(self.cells) if cell.attempts), "none")

    @property
    def failure_rate(self) -> float | None:
        return self.failures / self.attempts if self.attempts else None


def state_of(attempts: int, failures: int) -> str:
    if not attempts:
        return "none"
    rate = failures / attempts
    return "down" if rate >= DOWN_FROM else "degraded" if rate >= DEGRADED_FROM else "healthy"


def provider_health(now: datetime) -> list[ProviderHealth]:
    """Every provider with traffic in the 96 quarters up to `now`, by name; one query on the rollup."""
    last = hour_of(now) + QUARTER * (now.astimezone(UTC).minute // 15)
    first = last - QUARTER * (CELLS - 1)
    found: dict[str, ProviderHealth] = {}
    rows = AttemptHour.objects.filter(hour__gte=hour_of(first), hour__lte=last).exclude(provider="").order_by("hour")
    columns = ("hour", "provider", "status", "error_class", "quarters", "absorbed", "example")
    for hour, provider, status, error_class, quarters, absorbed, example in rows.values_list(*columns):
        if provider not in found:
            found[provider] = ProviderHealth(provider, [Cell(first + QUARTER * number) for number in range(CELLS)])
        health = found[provider]
        is_failure = status == "error" and error_class != CALLERS_FAULT
        begin = (hour - first) // QUARTER
        for number, attempts in enumerate(quarters, start=begin):
            if attempts and 0 <= number < CELLS:
                _count(health, health.cells[number], attempts, is_failure=is_failure)
        health.absorbed += absorbed
        health.last_failure = example or health.last_failure
    return [found[name] for name in sorted(found) if found[name].attempts]


def absorbed_tries(*, from_at: datetime, to_at: datetime) -> int:
    """Failed tries of calls that were answered all the same, in the UTC hours that begin in the span."""
    rows = AttemptHour.objects.filter(hour__gte=from_at, hour__lt=to_at)
    return rows.aggregate(total=Sum("absorbed"))["total"] or 0


def _count(health: ProviderHealth, cell: Cell, attempts: int, *, is_failure: bool) -> None:
    cell.attempts += attempts
    health.attempts += attempts
    if is_failure:
        cell.failures += attempts
        health.failures += attempts
