"""The quiet parts of a chart: grid lines with their values, and the names of points under them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString

from llmadmin.console.charts.figure import Formatter, Point
from llmadmin.console.charts.markup import element, joined, percent
from llmadmin.console.charts.scales import shown_labels

TOP = 12
"""Room above the highest grid line for its label, in pixels."""
BOTTOM = 24
"""Room under the baseline for the names of points."""


def grid(levels: Sequence[float], *, height: int, format_value: Formatter) -> SafeString:
    """A line for each level, the baseline a little stronger, with its value at the left outside the plot."""
    highest = levels[-1]
    lines = []
    for level in levels:
        y = y_of(level, highest, height=height)
        lines.append(
            element("line", x1="0", x2="100%", y1=y, y2=y, class_="chart-base" if level == 0 else "chart-grid")
        )
        lines.append(element("text", format_value(level), x="-8", y=y + 4, text_anchor="end", class_="chart-tick"))
    return element("g", *lines, aria_hidden="true")


def time_axis(points: Sequence[Point], *, height: int, centred: bool) -> SafeString:
    """Names of points, few enough to stay apart; every second one is left out on small screens."""
    count = len(points)
    texts = [
        element(
            "text",
            points[index].tick,
            x=percent(x_of(index, count, centred=centred)),
            y=height - 6,
            text_anchor=_anchor(index, count, centred=centred),
            class_="chart-tick" if order % 2 == 0 else "chart-tick chart-tick-minor",
        )
        for order, index in enumerate(shown_labels(count))
    ]
    return element("g", joined(texts), aria_hidden="true")


def x_of(index: int, count: int, *, centred: bool) -> float:
    """The share of the width at which a point stands: the middle of its column, or from edge to edge for lines."""
    if centred or count == 1:
        return (index + 0.5) / count
    return index / (count - 1)


def y_of(value: float, highest: float, *, height: int) -> float:
    """Pixels from the top for a value between 0 and the highest grid line."""
    plot = height - TOP - BOTTOM
    return TOP + plot * (1 - min(max(value / highest, 0.0), 1.0))


def _anchor(index: int, count: int, *, centred: bool) -> str:
    if centred or count == 1:
        return "middle"
    return "start" if index == 0 else "end" if index == count - 1 else "middle"
