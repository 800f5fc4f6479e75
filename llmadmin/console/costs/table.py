"""The cost table: rows in the order that the reader asks for, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from llmadmin.console.costs.figures import shown_name
from llmadmin.usage.money import money_text
from llmadmin.usage.selectors.costs import CostRow, CostTable

HEADER = (
    "calls", "cost_usd", "share", "previous_cost_usd", "change", "cost_per_call_usd", "cost_per_1k_tokens_usd",
    "unpriced_calls", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
_SORTS: dict[str, Callable[[CostRow], Any]] = {
    "name": lambda row: row.name.lower(),
    "calls": lambda row: row.totals.calls,
    "cost": lambda row: row.totals.cost_usd,
    "change": lambda row: row.totals.cost_usd - row.previous.cost_usd,
    "per_call": lambda row: row.totals.cost_per_call_usd or Decimal(-1),
    "per_1k": lambda row: row.totals.cost_per_1k_tokens_usd or Decimal(-1),
    "unpriced": lambda row: row.totals.unpriced_calls,
}
DEFAULT_SORT = "-cost"
_LINES_A_PIECE = 200
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def sort_of(asked: str) -> str:
    return asked if asked.removeprefix("-") in _SORTS else DEFAULT_SORT


def sorted_rows(table: CostTable, sort: str) -> list[CostRow]:
    """The rows by a column, `-` for the largest first; equal ones stay in the order of cost."""
    return sorted(table.rows, key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))


async def csv_pieces(table: CostTable, rows: Sequence[CostRow]) -> AsyncIterator[str]:
    """The table as CSV, some lines at a time: exact figures, and the total as its last line."""
    yield _lines([[table.by, *HEADER]])
    for start in range(0, len(rows), _LINES_A_PIECE):
        yield _lines(_cells(row, by=table.by) for row in rows[start : start + _LINES_A_PIECE])
    total = CostRow("total", table.total, table.previous, 1.0 if table.total.cost_usd else None, table.change)
    yield _lines([_cells(total, by=table.by)])


def _cells(row: CostRow, *, by: str) -> list[Any]:
    totals = row.totals
    name = shown_name(row.name, by=by)
    return [
        f"'{name}" if name.startswith(_FORMULA_BEGINS) else name,
        totals.calls,
        money_text(totals.known_cost_usd) or "",
        _fraction(row.share),
        money_text(row.previous.known_cost_usd) or "",
        _fraction(row.change),
        _money(totals.cost_per_call_usd),
        _money(totals.cost_per_1k_tokens_usd),
        totals.unpriced_calls,
        totals.input_tokens,
        totals.cached_input_tokens,
        totals.cache_write_tokens,
        totals.output_tokens,
        totals.reasoning_tokens,
    ]


def _fraction(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _money(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.12f}".rstrip("0").rstrip(".")


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
