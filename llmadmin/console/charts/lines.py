"""Lines over time: rates and durations, which don't add up. Straight between points, broken where there is no value."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString

from llmadmin.console.charts.axes import BOTTOM, TOP, grid, time_axis, x_of, y_of
from llmadmin.console.charts.figure import Formatter, Point, Series, spoken, tooltip
from llmadmin.console.charts.markup import Number, digits, element, finite, joined, percent
from llmadmin.console.charts.scales import ticks

UNITS = 1000
"""Width of the inner drawing, which is stretched to the plot; strokes keep their width."""
SPARK_HEIGHT = 24


def line_chart(
    points: Sequence[Point], series: Sequence[Series], *, label: str, format_value: Formatter, height: int = 200
) -> SafeString:
    """One line for each series. A value of None breaks the line; a value that stands alone becomes a dot."""
    levels = ticks(max((finite(value) for one in series for value in one.values), default=0.0))
    lines = [_line(one, highest=levels[-1], height=height) for one in series]
    plot = element(
        "svg",
        *lines,
        viewBox=f"0 0 {UNITS} {height}",
        preserveAspectRatio="none",
        width="100%",
        height=str(height),
        aria_hidden="true",
    )
    marks = [
        _mark(index, points, series, highest=levels[-1], height=height, format_value=format_value)
        for index in range(len(points))
    ]
    return element(
        "svg",
        grid(levels, height=height, format_value=format_value),
        plot,
        joined(marks),
        time_axis(points, height=height, centred=False) if points else "",
        width="100%",
        height=str(height),
        role="group",
        aria_label=label,
        class_="chart-svg",
        data_chart="",
    )


def sparkline(values: Sequence[Number | None], *, label: str, css: str = "series-1") -> SafeString:
    """A small line without axes; the figure beside it says how much it is."""
    highest = max((finite(value) for value in values), default=0.0) or 1.0
    heights = [SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * max(finite(value), 0.0) / highest for value in values]
    path = " ".join(
        f"{digits(x_of(index, len(heights), centred=False) * 100)},{digits(y)}" for index, y in enumerate(heights)
    )
    return element(
        "svg",
        element("polyline", points=path, class_=f"chart-line {css}"),
        viewBox=f"0 0 100 {SPARK_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="spark",
    )


def _line(one: Series, *, highest: float, height: int) -> SafeString:
    runs = [
        element("polyline", points=" ".join(run), class_=f"chart-line {one.css}")
        for run in _runs(one, highest=highest, height=height)
        if len(run) > 1
    ]
    return joined(runs)


def _runs(one: Series, *, highest: float, height: int) -> list[list[str]]:
    """The stretches of a series between its gaps, as `x,y` of the inner drawing."""
    runs: list[list[str]] = [[]]
    for index, value in enumerate(one.values):
        if value is None:
            runs.append([])
            continue
        x = x_of(index, len(one.values), centred=False) * UNITS
        runs[-1].append(f"{digits(x)},{digits(y_of(finite(value), highest, height=height))}")
    return [run for run in runs if run]


def _stands_alone(values: Sequence[Number | None], index: int) -> bool:
    before = values[index - 1] if index else None
    after = values[index + 1] if index + 1 < len(values) else None
    return before is None and after is None


def _mark(
    index: int,
    points: Sequence[Point],
    series: Sequence[Series],
    *,
    highest: float,
    height: int,
    format_value: Formatter,
) -> SafeString:
    """The place where pointer and keyboard find a point: a band over the plot's height, and a dot on each line."""
    point, count = points[index], len(points)
    x = x_of(index, count, centred=False)
    band = 1 / max(count - 1, 1)
    left, right = max(x - band / 2, 0.0), min(x + band / 2, 1.0)
    hit = element(
        "rect",
        x=percent(left),
        y=str(TOP),
        width=percent(right - left),
        height=str(height - TOP - BOTTOM),
        class_="chart-hit",
    )
    dots = [
        element(
            "circle",
            cx=percent(x),
            cy=y_of(finite(one.values[index]), highest, height=height),
            r="3.5",
            class_=f"chart-dot {one.css}{' chart-dot-alone' if _stands_alone(one.values, index) else ''}",
        )
        for one in series
        if one.values[index] is not None
    ]
    return element(
        "a" if point.href else "g",
        hit,
        joined(dots),
        href=point.href or None,
        tabindex="0" if index == count - 1 else "-1",
        role=None if point.href else "img",
        aria_label=spoken(point, series, index, format_value=format_value),
        class_="chart-point",
        data_tip=tooltip(point, series, index, format_value=format_value, sums=False),
    )
