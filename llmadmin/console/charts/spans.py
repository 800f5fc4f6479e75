"""Bars on a shared time axis: when each attempt of a call ran, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from llmadmin.console.charts.figure import Formatter
from llmadmin.console.charts.markup import element, finite, joined, percent
from llmadmin.console.charts.scales import ticks

BAR_HEIGHT = 12
AXIS_HEIGHT = 22
LEAST_WIDTH = 0.004


@dataclass(frozen=True, slots=True)
class Span:
    """`start_ms` after the call began; `first_ms` is the time to its first token, counted from its own start."""

    start_ms: float
    length_ms: float
    css: str
    label: str
    first_ms: float | None = None


def span_bar(span: Span, *, whole_ms: float) -> SafeString:
    """One bar as wide as its share of the axis, the part before the first token paler."""
    end = _axis_end(whole_ms)
    left = min(max(finite(span.start_ms) / end, 0.0), 1.0)
    width = max(min(finite(span.length_ms) / end, 1 - left), LEAST_WIDTH)
    parts = [
        element(
            "rect",
            x=percent(left),
            y="0",
            width=percent(width),
            height=str(BAR_HEIGHT),
            rx="3",
            class_=f"span {span.css}",
        )
    ]
    if span.first_ms is not None and 0 < span.first_ms < span.length_ms:
        waited = finite(span.first_ms) / end
        parts.append(
            element(
                "rect",
                x=percent(left),
                y="0",
                width=percent(min(waited, width)),
                height=str(BAR_HEIGHT),
                rx="3",
                class_="span-waiting",
            )
        )
    return element(
        "svg",
        joined(parts),
        width="100%",
        height=str(BAR_HEIGHT),
        role="img",
        aria_label=span.label,
        class_="chart-svg",
    )


def span_axis(*, whole_ms: float, format_value: Formatter) -> SafeString:
    """The axis under the bars: a tick and its time at round distances."""
    end = _axis_end(whole_ms)
    parts = []
    for level in ticks(finite(whole_ms), lines=4):
        share = level / end
        anchor = "start" if share == 0 else "end" if share >= 1 else "middle"
        parts.append(element("line", x1=percent(share), x2=percent(share), y1="0", y2="5", class_="chart-base"))
        parts.append(
            element("text", format_value(level), x=percent(share), y="18", text_anchor=anchor, class_="chart-tick")
        )
    return element("svg", joined(parts), width="100%", height=str(AXIS_HEIGHT), aria_hidden="true", class_="chart-svg")


def _axis_end(whole_ms: float) -> float:
    return ticks(finite(whole_ms), lines=4)[-1]
