"""Stacked columns over time: amounts that add up."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString

from llmadmin.console.charts.axes import BOTTOM, TOP, grid, time_axis, y_of
from llmadmin.console.charts.figure import Formatter, Point, Series, spoken, tooltip
from llmadmin.console.charts.markup import element, finite, joined, percent
from llmadmin.console.charts.scales import ticks

GAP = 0.22
"""The share of a column's width that stays empty beside it."""
LEAST_HEIGHT = 1.0
"""Something is never drawn as nothing."""


def stacked_columns(
    points: Sequence[Point],
    series: Sequence[Series],
    *,
    label: str,
    format_value: Formatter,
    height: int = 240,
    whole: bool = False,
    sums: bool = True,
) -> SafeString:
    """One column for each point, its series on top of each other in their order; each column takes the keyboard's focus.

    `whole` keeps grid lines at whole numbers, for counts. Negative values count as 0.
    """
    totals = [sum(max(finite(one.values[index]), 0.0) for one in series) for index in range(len(points))]
    levels = ticks(max(totals, default=0.0), whole=whole)
    columns = [
        _column(index, points, series, highest=levels[-1], height=height, format_value=format_value, sums=sums)
        for index in range(len(points))
    ]
    return element(
        "svg",
        grid(levels, height=height, format_value=format_value),
        joined(columns),
        time_axis(points, height=height, centred=True) if points else "",
        width="100%",
        height=str(height),
        role="group",
        aria_label=label,
        class_="chart-svg",
        data_chart="",
    )


def _column(
    index: int,
    points: Sequence[Point],
    series: Sequence[Series],
    *,
    highest: float,
    height: int,
    format_value: Formatter,
    sums: bool,
) -> SafeString:
    point, count = points[index], len(points)
    left, width = (index + GAP / 2) / count, (1 - GAP) / count
    hit = element(
        "rect",
        x=percent(index / count),
        y=str(TOP),
        width=percent(1 / count),
        height=str(height - TOP - BOTTOM),
        class_="chart-hit",
    )
    layers, below = [], 0.0
    for one in series:
        value = max(finite(one.values[index]), 0.0)
        if value <= 0:
            continue
        bottom, top = y_of(below, highest, height=height), y_of(below + value, highest, height=height)
        drawn = max(bottom - top, LEAST_HEIGHT)
        layers.append(
            element(
                "rect",
                x=percent(left),
                y=bottom - drawn,
                width=percent(width),
                height=drawn,
                class_=f"chart-bar {one.css}",
            )
        )
        below += value
    return element(
        "a" if point.href else "g",
        hit,
        joined(layers),
        href=point.href or None,
        tabindex="0" if index == count - 1 else "-1",
        role=None if point.href else "img",
        aria_label=spoken(point, series, index, format_value=format_value),
        class_="chart-point",
        data_tip=tooltip(point, series, index, format_value=format_value, sums=sums),
    )
