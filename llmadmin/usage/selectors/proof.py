"""Proving that the rollup tells what the records tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from llmadmin.usage.dimensions import HOUR, HOUR_KEY, METERS, hour_after, hour_of
from llmadmin.usage.folding import CallSums, counted, fold_calls
from llmadmin.usage.models import StaleHour, UsageHour

_COMPARED = ("calls", "attempts", "fallbacks", "cache_hits", "unpriced_calls", "unpriced_tokens", "cost_usd")


@dataclass(frozen=True, slots=True)
class HourDifference:
    """One sum that rows and rollup disagree on. `is_stale` says that the rollup knows it is behind."""

    hour: datetime
    key: dict[str, str]
    name: str
    rows: object
    rollup: object
    is_stale: bool


def check_hours(*, from_at: datetime, to_at: datetime) -> list[HourDifference]:
    """Every difference between the raw records and their rollup, hour by hour; empty when all is well."""
    found: list[HourDifference] = []
    hour = hour_of(from_at)
    while hour < hour_after(to_at):
        found += _check_hour(hour)
        hour += HOUR
    return found


def _check_hour(hour: datetime) -> list[HourDifference]:
    rows = fold_calls(counted(from_at=hour, to_at=hour + HOUR))
    known = {
        tuple(getattr(one, name) for name in HOUR_KEY): one for one in UsageHour.objects.filter(hour=hour).order_by()
    }
    differences = []
    for key in rows.keys() | known.keys():
        expected, actual = _of_rows(rows.get(key, CallSums())), _of_rollup(known.get(key))
        differences += [
            (key, name, expected[name], actual[name]) for name in expected if expected[name] != actual[name]
        ]
    if not differences:
        return []
    is_stale = StaleHour.objects.filter(hour=hour).exists()
    return [
        HourDifference(hour, dict(zip(HOUR_KEY, key, strict=True)), name, expected, actual, is_stale)
        for key, name, expected, actual in sorted(differences, key=lambda one: one[:2])
    ]


def _of_rows(sums: CallSums) -> dict[str, object]:
    return {name: getattr(sums, name) for name in _COMPARED} | dict(zip(METERS, sums.meters, strict=True))


def _of_rollup(row: UsageHour | None) -> dict[str, object]:
    return {name: getattr(row, name) if row is not None else 0 for name in (*_COMPARED, *METERS)}
