"""A strip of cells over time: was it healthy then? Failing shows as height and colour, so it reads without colour too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from llmadmin.console.charts.markup import element, finite, joined, percent

HEIGHT = 28
GAP = 0.16
LEAST_SHARE = 0.18
"""One failure among a thousand calls is still a visible step."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One stretch of time. `failed` of `calls` were lost or had to be repeated."""

    label: str
    calls: int
    failed: int
    href: str = ""

    @property
    def spoken(self) -> str:
        if not self.calls:
            return f"{self.label}: no calls"
        return f"{self.label}: {self.failed:,} of {self.calls:,} attempts failed"


def cell_row(cells: Sequence[Cell], *, label: str) -> SafeString:
    """The cells side by side, oldest at the left."""
    count = max(len(cells), 1)
    return element(
        "svg",
        joined([_cell(cell, index, count) for index, cell in enumerate(cells)]),
        width="100%",
        height=str(HEIGHT),
        role="group",
        aria_label=label,
        class_="chart-svg cells",
        data_chart="",
    )


def _cell(cell: Cell, index: int, count: int) -> SafeString:
    x, width = percent((index + GAP / 2) / count), percent((1 - GAP) / count)
    base = element("rect", x=x, y="0", width=width, height=str(HEIGHT), class_="cell-ok" if cell.calls else "cell-none")
    parts = [base]
    if cell.failed and cell.calls:
        tall = HEIGHT * max(min(finite(cell.failed / cell.calls), 1.0), LEAST_SHARE)
        parts.append(element("rect", x=x, y=HEIGHT - tall, width=width, height=tall, class_="cell-failed"))
    return element(
        "a" if cell.href and cell.calls else "g",
        *parts,
        href=cell.href if cell.href and cell.calls else None,
        tabindex="0" if index == count - 1 else "-1",
        role=None if cell.href and cell.calls else "img",
        aria_label=cell.spoken,
        class_="chart-point",
    )
