"""Spend over time as a chart, for the cost page and the overview."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from llmadmin.catalog import selectors as catalog
from llmadmin.console import formats
from llmadmin.console.charts import Change, Figure, Point, Series, colour_classes, stacked_columns
from llmadmin.console.charts.palette import OTHER
from llmadmin.console.links import to_requests
from llmadmin.console.periods import HOUR, day_query, span_query
from llmadmin.usage.selectors import Timeline

FilterLink = Callable[[str], str]


def shown_name(name: str, *, by: str) -> str:
    """A value of a dimension as people read it; calls without one have words of their own."""
    return name or {"provider": "not sent", "alias": "without alias", "agent": "without agent"}.get(by, f"no {by}")


def provider_order() -> list[str]:
    """Providers in the order in which they were added: the first eight have a colour each, everywhere."""
    return list(catalog.providers().order_by("created_at", "slug").values_list("slug", flat=True))


def spend_figure(
    line: Timeline,
    *,
    by: str,
    title: str,
    counts: str,
    change: Change | None,
    filters: Mapping[str, str] | None = None,
    filter_link: FilterLink | None = None,
) -> Figure:
    """Columns of spend, one layer for each value of `by`, the largest at the bottom.

    `filter_link` gives the address that shows one value alone, or all again where that one is chosen in `filters`.
    """
    filters = filters or {}
    names = [one.name for one in line.series if not one.is_others]
    colours = colour_classes(names, order=provider_order() if by == "provider" else ())
    series = [
        Series(
            name="all others" if one.is_others else shown_name(one.name, by=by),
            values=[point.cost_usd for point in one.points],
            css=OTHER if one.is_others else colours[one.name],
            total=formats.usd(one.total.known_cost_usd),
            href=filter_link(one.name) if filter_link and one.name and not one.is_others else "",
            is_chosen=bool(one.name) and filters.get(by) == one.name,
        )
        for one in line.series
    ]
    points = points_of(line.starts, line.interval, **filters)
    label = f"{title}: {formats.usd(line.total.cost_usd)}"
    return Figure(
        title=title,
        counts=counts,
        drawing=stacked_columns(points, series, label=label, format_value=formats.usd),
        points=points,
        series=series,
        format=formats.usd,
        total=formats.usd(line.total.known_cost_usd),
        total_exact=formats.usd_exact(line.total.known_cost_usd),
        change=change,
        note=unpriced_note(line.total.unpriced_calls),
        is_empty=not line.total.calls,
    )


def points_of(starts: list[dt.datetime], interval: str, **filters: str) -> list[Point]:
    """The time axis of a chart; each point opens the calls of its hour or day."""
    return [_point(start, interval, **filters) for start in starts]


def unpriced_note(calls: int) -> str:
    if not calls:
        return ""
    return f"{calls:,} {'call has' if calls == 1 else 'calls have'} no price and {'is' if calls == 1 else 'are'} not in this sum."


def _point(start: dt.datetime, interval: str, **filters: str) -> Point:
    if interval == "hour":
        return Point(
            label=f"{start:%a %-d %b, %H:%M}",
            tick=f"{start:%H:%M}",
            href=to_requests(span_query(start, start + HOUR), **filters),
        )
    return Point(
        label=f"{start:%a %-d %b %Y}", tick=f"{start:%-d %b}", href=to_requests(day_query(start.date()), **filters)
    )
