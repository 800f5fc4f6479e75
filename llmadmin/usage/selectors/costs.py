"""The cost page: any dimension against the period before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from llmadmin.usage.dimensions import DIMENSIONS
from llmadmin.usage.selectors.totals import Filters, Totals, hours, sum_by, total_of

_MOST_ROWS = 1000


@dataclass(slots=True)
class CostRow:
    """One value of the dimension. `share` is its part of the total cost, 0 to 1; `change` is against the period before."""

    name: str
    totals: Totals
    previous: Totals
    share: float | None
    change: float | None


@dataclass(slots=True)
class CostTable:
    by: str
    rows: list[CostRow]
    total: Totals
    previous: Totals
    change: float | None
    previous_from_at: datetime


@dataclass(slots=True)
class UnpricedModel:
    model: str
    calls: int
    tokens: int


def cost_table(
    *,
    from_at: datetime,
    to_at: datetime,
    by: str = "model",
    filters: Filters | None = None,
    step: timedelta | None = None,
) -> CostTable:
    """Each value of a dimension between two moments, dearest first, beside the same span `step` earlier.

    Without a step that is the span right before it; a step of whole days compares a day that is half over with half a day.
    Two queries. A value that only the period before knows stands in the table with totals of 0, so that the rows add up
    to both totals.
    """
    if by not in DIMENSIONS:
        raise ValueError(f"Usage has no dimension {by}.")
    step = step or to_at - from_at
    previous_from_at = from_at - step
    now = _by_value(by, from_at, to_at, filters)
    before = _by_value(by, previous_from_at, to_at - step, filters)
    total, previous = _sum(now), _sum(before)
    rows = [
        CostRow(
            name=name,
            totals=now.get(name, Totals()),
            previous=before.get(name, Totals()),
            share=share_of(now.get(name, Totals()).cost_usd, total.cost_usd),
            change=change_of(now.get(name, Totals()), before.get(name, Totals())),
        )
        for name in {**now, **before}
    ]
    rows.sort(key=lambda row: (-row.totals.cost_usd, -row.totals.calls, -row.previous.cost_usd, row.name))
    return CostTable(by, rows, total, previous, change_of(total, previous), previous_from_at)


def total_cost(*, from_at: datetime, to_at: datetime, filters: Filters | None = None) -> Totals:
    return total_of(hours(from_at=from_at, to_at=to_at, filters=filters))


def unpriced_models(*, from_at: datetime, to_at: datetime, filters: Filters | None = None) -> list[UnpricedModel]:
    """Models with calls of unknown price, those with most calls first; one query."""
    rows = hours(from_at=from_at, to_at=to_at, filters=filters).filter(unpriced_calls__gt=0)
    found = [
        UnpricedModel(model=values[0], calls=totals.unpriced_calls, tokens=totals.unpriced_tokens)
        for values, totals in sum_by(rows, keys=("model",), of=("unpriced_calls", "unpriced_tokens"))
    ]
    return sorted(found, key=lambda one: (-one.calls, one.model))[:_MOST_ROWS]


def share_of(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole else None


def change_of(now: Totals, before: Totals) -> float | None:
    """By how much the cost changed: 0.25 is a quarter more, -1 is all gone; None where nothing was spent before."""
    return float((now.cost_usd - before.cost_usd) / before.cost_usd) if before.cost_usd else None


def _by_value(by: str, from_at: datetime, to_at: datetime, filters: Filters | None) -> dict[str, Totals]:
    return {
        values[0]: totals for values, totals in sum_by(hours(from_at=from_at, to_at=to_at, filters=filters), keys=(by,))
    }


def _sum(by_value: dict[str, Totals]) -> Totals:
    total = Totals()
    for one in by_value.values():
        total += one
    return total
