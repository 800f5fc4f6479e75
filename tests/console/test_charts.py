"""Charts: valid XML whatever the numbers, escaped names, nothing drawn outside of its axis."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmadmin.console.charts import (
    Cell,
    Figure,
    Point,
    Series,
    Span,
    cell_row,
    change_between,
    colour_classes,
    line_chart,
    span_axis,
    span_bar,
    sparkline,
    stacked_columns,
)
from llmadmin.console.charts.scales import shown_labels, ticks

HOSTILE = 'مساعد<script>alert("x")</script>\'&'


def points(count: int) -> list[Point]:
    return [Point(label=f"Day {index}", tick=str(index)) for index in range(count)]


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)


def numbers_in(drawing: str) -> list[float]:
    shapes = re.findall(r' (?:x|y|x1|x2|y1|y2|cx|cy|width|height)="(-?[\d.]+)%?"', drawing)
    paths = re.findall(r'points="([^"]*)"', drawing)
    return [float(one) for one in shapes] + [float(one) for path in paths for one in re.split(r"[ ,]", path) if one]


values = st.one_of(
    st.none(),
    st.integers(0, 10**12),
    st.floats(-1e15, 1e15),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.decimals(0, 10**9, places=12),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40).flatmap(lambda n: st.lists(st.lists(values, min_size=n, max_size=n), min_size=0, max_size=9)))
def test_any_numbers_give_valid_drawings_without_nan(layers):
    series = [Series(f"s{index}", layer) for index, layer in enumerate(layers)]
    axis = points(len(layers[0]) if layers else 3)

    for draw in (stacked_columns, line_chart):
        drawing = draw(axis, series, label="x", format_value=str)

        parsed(drawing)
        shapes = re.sub(r'(aria-label|data-tip)="[^"]*"', "", drawing)
        assert not re.search(r"\b(nan|NaN|inf|Infinity|None)\b", shapes)
        assert all(math.isfinite(number) for number in numbers_in(shapes))


@pytest.mark.parametrize("count", [0, 1, 2, 96])
def test_every_count_of_points_can_be_drawn(count):
    series = [Series("a", [Decimal(0)] * count)]

    for draw in (stacked_columns, line_chart):
        assert len(parsed(draw(points(count), series, label="x", format_value=str)).findall("./g[@data-tip]")) == count


def test_a_lone_point_is_a_dot_since_a_line_needs_two():
    drawing = line_chart(points(3), [Series("a", [None, 5, None])], label="x", format_value=str)

    assert "polyline" not in drawing
    assert "chart-dot-alone" in drawing


def test_a_line_breaks_where_there_is_no_value():
    drawing = line_chart(points(5), [Series("a", [1, 2, None, 3, 4])], label="x", format_value=str)

    assert drawing.count("<polyline") == 2


def test_columns_stand_on_each_other_and_end_below_the_highest_line():
    drawing = parsed(
        stacked_columns(
            points(1),
            [Series("a", [30], css="series-1"), Series("b", [70], css="series-2")],
            label="x",
            format_value=str,
        )
    )

    first, second = drawing.findall(".//rect[@class='chart-bar series-1']") + drawing.findall(
        ".//rect[@class='chart-bar series-2']"
    )
    assert float(second.get("y")) + float(second.get("height")) == pytest.approx(float(first.get("y")), abs=0.02)
    assert float(second.get("y")) >= 12


def test_a_tiny_amount_is_never_drawn_as_nothing():
    drawing = parsed(
        stacked_columns(points(2), [Series("a", [Decimal("0.000001"), 1000])], label="x", format_value=str)
    )

    assert all(float(bar.get("height")) >= 1 for bar in drawing.findall(".//rect[@class='chart-bar series-other']"))


def test_names_are_escaped_everywhere():
    series = [Series(HOSTILE, [1, 2])]
    axis = [Point(HOSTILE, HOSTILE, href="/?a=1&b=2"), Point("two", "2")]

    for drawing in (
        stacked_columns(axis, series, label=HOSTILE, format_value=str),
        line_chart(axis, series, label=HOSTILE, format_value=str),
        cell_row([Cell(HOSTILE, 4, 1)], label=HOSTILE),
        span_bar(Span(0, 5, "span-ok", HOSTILE), whole_ms=5),
        sparkline([1, 2], label=HOSTILE),
    ):
        assert "<script" not in drawing
        assert parsed(drawing).get("aria-label") == HOSTILE


def test_the_tooltip_tells_each_series_and_the_sum():
    series = [Series("openai", [Decimal("1.5")], css="series-1"), Series("anthropic", [Decimal("2.5")], css="series-2")]

    drawing = parsed(stacked_columns(points(1), series, label="x", format_value=lambda v: f"${v}"))

    assert json.loads(drawing.find("./g[@data-tip]").get("data-tip")) == {
        "title": "Day 0",
        "rows": [["series-2", "anthropic", "$2.5"], ["series-1", "openai", "$1.5"]],
        "sum": "$4.0",
    }


def test_one_point_takes_the_focus_and_the_arrows_do_the_rest():
    drawing = parsed(stacked_columns(points(5), [Series("a", [1] * 5)], label="x", format_value=str))

    assert [point.get("tabindex") for point in drawing.findall("./g[@data-tip]")] == ["-1", "-1", "-1", "-1", "0"]


def test_nothing_carries_a_style_attribute():
    axis, series = points(3), [Series("a", [1, 2, 3])]

    for drawing in (
        stacked_columns(axis, series, label="x", format_value=str),
        line_chart(axis, series, label="x", format_value=str),
    ):
        assert "style=" not in drawing


@given(st.floats(min_value=1e-12, max_value=1e15))
def test_the_axis_reaches_the_maximum_with_few_lines(maximum):
    levels = ticks(maximum)

    assert levels[0] == 0
    assert levels[-1] >= maximum * (1 - 1e-9)
    assert len(levels) <= 4


def test_counts_have_whole_grid_lines():
    assert ticks(2, whole=True) == [0, 1, 2]
    assert ticks(0, whole=True) == [0, 1]


@given(st.integers(0, 500))
def test_few_labels_stand_under_an_axis(count):
    assert len(shown_labels(count)) <= 6
    assert all(index < count for index in shown_labels(count))


def test_a_provider_keeps_its_colour_whoever_stands_beside_it():
    order = ["openai", "anthropic", "mistral"]

    assert colour_classes(["mistral"], order=order) == {"mistral": "series-3"}
    assert colour_classes(["mistral", "openai", "gone"], order=order) == {
        "mistral": "series-3",
        "openai": "series-1",
        "gone": "series-4",
    }


def test_names_beyond_the_eighth_colour_are_grey():
    classes = colour_classes([f"p{index}" for index in range(10)])

    assert list(classes.values())[7:] == ["series-8", "series-other", "series-other"]
    assert len(set(list(classes.values())[:8])) == 8


def test_a_failed_cell_is_taller_the_more_failed_and_never_invisible():
    drawing = parsed(cell_row([Cell("a", 1000, 1), Cell("b", 10, 10), Cell("c", 0, 0)], label="x"))

    heights = [float(one.get("height")) for one in drawing.findall(".//rect[@class='cell-failed']")]
    assert len(heights) == 2
    assert 4 < heights[0] < heights[1]


@given(st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_spans_stay_on_their_axis(start_ms, length_ms, whole_ms):
    drawing = span_bar(Span(start_ms, length_ms, "span-ok", "x", first_ms=length_ms / 2), whole_ms=whole_ms)

    bar = parsed(drawing)[0]
    left, width = (float(bar.get(name).rstrip("%")) for name in ("x", "width"))
    assert 0 <= left <= 100
    assert 0 < width <= 101
    parsed(span_axis(whole_ms=whole_ms, format_value=str))


def test_the_table_behind_a_chart_has_the_newest_first_and_sums_each_row():
    series = [Series("a", [1, 2]), Series("b", [3, None])]
    figure = Figure("t", "c", stacked_columns(points(2), series, label="x", format_value=str), points(2), series)

    assert [(point.label, cells, total) for point, cells, total in figure.rows] == [
        ("Day 1", ["2", "–"], "2"),
        ("Day 0", ["1", "3"], "4"),
    ]


def test_a_change_says_what_it_is_against():
    assert change_between(None, 0) is None
    assert change_between(5, 0).text == "new"
    assert change_between(12, 10).text == "+20 %"
    assert change_between(Decimal(8), Decimal(10)).direction == "down"
    assert change_between(10, 10).direction == "flat"


def test_growth_from_next_to_nothing_is_neither_good_nor_bad():
    change = change_between(500, 1)

    assert (change.text, change.direction) == ("over 100×", "new")
