"""What every chart is made of, and the figure that a page shows: title, total, drawing, legend and the table behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from llmadmin.console.charts.change import Change
from llmadmin.console.charts.markup import Number, added, finite
from llmadmin.console.charts.palette import OTHER

Formatter = Callable[[Any], str]
MISSING = "–"


@dataclass(frozen=True, slots=True)
class Point:
    """One place on the time axis. `tick` stands under the axis, `label` is the whole name, `href` opens the rows behind it."""

    label: str
    tick: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one layer of the columns. `total` is text; `href` shows this series alone, or all of them again."""

    name: str
    values: Sequence[Number | None]
    css: str = OTHER
    total: str = ""
    href: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its frame, as `charts/figure.html` shows it."""

    title: str
    counts: str
    drawing: SafeString
    points: Sequence[Point]
    series: Sequence[Series]
    format: Formatter = str
    total: str = ""
    total_exact: str = ""
    change: Change | None = None
    better: str = ""
    """Which direction of the change is good news: `up`, `down`, or neither. It only colours."""
    sums: bool = True
    """Whether the series of one point add up to something worth a column."""
    note: str = ""
    is_empty: bool = field(default=False)

    @property
    def rows(self) -> list[tuple[Point, list[str], str]]:
        """The table behind the drawing, newest first: the point, a text for each series, and their sum."""
        written = [
            (
                point,
                [MISSING if one.values[index] is None else self.format(one.values[index] or 0) for one in self.series],
                self.format(added(one.values[index] for one in self.series)) if self.sums else "",
            )
            for index, point in enumerate(self.points)
        ]
        return written[::-1]


def tooltip(point: Point, series: Sequence[Series], index: int, *, format_value: Formatter, sums: bool = True) -> str:
    """What `charts.js` shows over a point, as JSON: title, a row for each series that has something there, and the sum."""
    there = [one for one in series if finite(one.values[index])]
    total = added(one.values[index] for one in there)
    return json.dumps(
        {
            "title": point.label,
            "rows": [[one.css, one.name, format_value(one.values[index] or 0)] for one in reversed(there)],
            "sum": format_value(total) if sums and len(there) != 1 else "",
        },
        ensure_ascii=False,
    )


def spoken(point: Point, series: Sequence[Series], index: int, *, format_value: Formatter) -> str:
    """The same for a screen reader, in one sentence."""
    there = [f"{one.name} {format_value(one.values[index] or 0)}" for one in series if finite(one.values[index])]
    return f"{point.label}: {', '.join(there) if there else 'nothing'}"
