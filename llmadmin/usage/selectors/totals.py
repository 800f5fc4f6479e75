"""Sums over the hourly rollup: the one query behind every total, chart and table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from llmadmin.usage.dimensions import DIMENSIONS, METERS, SEEN
from llmadmin.usage.models import UsageHour

Filters = Mapping[str, Any]
FILTERS = (*DIMENSIONS, "key_id")


@dataclass(slots=True)
class Totals:
    """What some calls add up to. `errors` are calls whose caller saw a failure; `recovered` were answered all the same.

    `cost_usd` holds what is known; `unpriced_calls` says how many calls it leaves out.
    """

    calls: int = 0
    errors: int = 0
    recovered: int = 0
    cancelled: int = 0
    attempts: int = 0
    fallbacks: int = 0
    cache_hits: int = 0
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def tokens(self) -> int:
        return sum(getattr(self, meter) for meter in METERS)

    @property
    def total_input_tokens(self) -> int:
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens

    @property
    def total_output_tokens(self) -> int:
        return self.output_tokens + self.reasoning_tokens

    @property
    def priced_calls(self) -> int:
        return self.calls - self.unpriced_calls

    @property
    def known_cost_usd(self) -> Decimal | None:
        """The cost, or None where there were calls and the price of none is known."""
        return None if self.calls and not self.priced_calls else self.cost_usd

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        """Over the priced calls; None without any."""
        return self.cost_usd / self.priced_calls if self.priced_calls else None

    @property
    def cost_per_1k_tokens_usd(self) -> Decimal | None:
        """Over the tokens of the priced calls; None without any."""
        priced = self.tokens - self.unpriced_tokens
        return self.cost_usd * 1000 / priced if priced > 0 else None

    @property
    def error_rate(self) -> float | None:
        """Share of calls whose caller saw a failure, 0 to 1; None without calls."""
        return self.errors / self.calls if self.calls else None

    def __iadd__(self, other: Totals) -> Totals:
        for name in TOTAL_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


TOTAL_NAMES = tuple(field.name for field in fields(Totals))
_COUNTED_BY_STATUS = {"errors": SEEN, "recovered": ("recovered",), "cancelled": ("cancelled",)}


def hours(*, from_at: datetime, to_at: datetime, filters: Filters | None = None) -> QuerySet[UsageHour]:
    """The rollup of the UTC hours that begin in the span (`to_at` exclusive), as far as the filters let them through.

    Consecutive spans part the hours between them, whatever the zone: an hour belongs where it begins, also in a zone
    whose days begin at half past.
    """
    return filtered(UsageHour.objects.filter(hour__gte=from_at, hour__lt=to_at).order_by(), filters)


def filtered(queryset: QuerySet[Any], filters: Filters | None) -> QuerySet[Any]:
    """The rows that have the values; a list allows any of its own, an empty value allows all."""
    for name, value in (filters or {}).items():
        if name not in FILTERS:
            raise ValueError(f"Usage can't be filtered by {name}.")
        if value in (None, "", [], ()):
            continue
        is_many = isinstance(value, list | tuple | set | frozenset)
        queryset = queryset.filter(**{f"{name}__in" if is_many else name: value})
    return queryset


def sum_by(
    rows: QuerySet[UsageHour], *, keys: Sequence[str] = (), of: Sequence[str] = TOTAL_NAMES
) -> Iterator[tuple[tuple[Any, ...], Totals]]:
    """Totals of each combination of `keys` in one query; `of` names those that are wanted, the others stay 0."""
    sums = {f"sum_{name}": _sum_of(name) for name in of}
    if not keys:
        one = rows.aggregate(**sums)
        yield (), _totals(of, [one[name] for name in sums])
        return
    width = len(keys)
    for row in rows.values_list(*keys).annotate(**sums).values_list(*keys, *sums):
        yield row[:width], _totals(of, row[width:])


def total_of(rows: QuerySet[UsageHour], *, of: Sequence[str] = TOTAL_NAMES) -> Totals:
    return next(sum_by(rows, of=of))[1]


def _sum_of(name: str) -> Sum:
    statuses = _COUNTED_BY_STATUS.get(name)
    return Sum(name) if statuses is None else Sum("calls", filter=Q(status__in=statuses))


def _totals(names: Sequence[str], values: Sequence[Any]) -> Totals:
    return Totals(**{name: value for name, value in zip(names, values, strict=True) if value is not None})
