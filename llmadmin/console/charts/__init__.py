"""Charts as server-rendered SVG: pure functions from numbers to markup.

Widths are percentages and heights pixels, so that a chart fills any column while its text keeps its size. Colours come from
classes (`series-1` … `series-8`, `series-other`) in `static/css/charts.css`; nothing carries an inline style.
"""

from llmadmin.console.charts.cells import Cell, cell_row
from llmadmin.console.charts.change import Change, change_between
from llmadmin.console.charts.columns import stacked_columns
from llmadmin.console.charts.figure import Figure, Point, Series
from llmadmin.console.charts.lines import line_chart, sparkline
from llmadmin.console.charts.palette import colour_classes
from llmadmin.console.charts.spans import Span, span_axis, span_bar

__all__ = [
    "Cell",
    "Change",
    "Figure",
    "Point",
    "Series",
    "Span",
    "cell_row",
    "change_between",
    "colour_classes",
    "line_chart",
    "span_axis",
    "span_bar",
    "sparkline",
    "stacked_columns",
]
