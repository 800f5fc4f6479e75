"""Failed tries over time as charts: what callers saw apart from what was absorbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmadmin.console import formats
from llmadmin.console.charts import Figure, Series, colour_classes, line_chart, stacked_columns
from llmadmin.console.costs.figures import points_of
from llmadmin.console.errors.advice import ADVICE, title_of
from llmadmin.usage.selectors import ErrorTimeline, Timeline


def seen_figure(line: ErrorTimeline, *, filters: Mapping[str, str], class_link: Callable[[str], str]) -> Figure:
    return _figure(
        line,
        [one.seen for one in line.series],
        title="Seen by callers",
        counts="Failed tries of calls that ended without an answer, as a share of all tries, by class.",
        filters=filters,
        class_link=class_link,
        outcome="seen",
    )


def absorbed_figure(line: ErrorTimeline, *, filters: Mapping[str, str], class_link: Callable[[str], str]) -> Figure:
    return _figure(
        line,
        [one.absorbed for one in line.series],
        title="Absorbed",
        counts="Failed tries of calls that a retry or a fallback answered all the same.",
        filters=filters,
        class_link=class_link,
        outcome="absorbed",
    )


def error_rate_figure(line: Timeline) -> Figure:
    """Failed calls as a share of all calls, day by day, with those that a retry or a fallback saved beside them."""
    seen = [_rate(point.errors, point.calls) for point in line.points]
    absorbed = [_rate(point.recovered, point.calls) for point in line.points]
    total = line.total
    series = [
        Series("Seen by callers", seen, css="series-6", total=formats.percent(_share(total.errors, total.calls))),
        Series("Absorbed", absorbed, css="series-7", total=formats.percent(_share(total.recovered, total.calls))),
    ]
    points = points_of(line.starts, line.interval)
    title = "Error rate"
    return Figure(
        title=title,
        counts="Calls that failed for their callers, and calls that a retry or a fallback saved, as a share of all calls.",
        drawing=line_chart(points, series, label=title, format_value=formats.percent, height=180),
        points=points,
        series=series,
        format=formats.percent,
        sums=False,
        is_empty=not total.calls,
    )


def _figure(
    line: ErrorTimeline,
    counts_by_series: list[list[int]],
    *,
    title: str,
    counts: str,
    filters: Mapping[str, str],
    class_link: Callable[[str], str],
    outcome: str,
) -> Figure:
    """Rates stack up to the whole rate, since each failed try has one class."""
    colours = colour_classes((one.error_class for one in line.series), order=list(ADVICE))
    failed = sum(sum(values) for values in counts_by_series)
    tried = sum(line.attempts)
    series = [
        Series(
            name=title_of(one.error_class),
            values=[_share(value, all_tries) for value, all_tries in zip(values, line.attempts, strict=True)],
            css=colours[one.error_class],
            total=formats.count(sum(values)),
            href=class_link(one.error_class) if one.error_class else "",
            is_chosen=filters.get("error_class") == one.error_class,
        )
        for one, values in zip(line.series, counts_by_series, strict=True)
        if sum(values)
    ]
    points = points_of(line.starts, line.interval, status=outcome, **_of_records(filters, outcome))
    return Figure(
        title=title,
        counts=counts,
        drawing=stacked_columns(
            points, series, label=f"{title}: {failed:,} tries", format_value=formats.percent, height=200
        ),
        points=points,
        series=series,
        format=formats.percent,
        total=formats.percent(_share(failed, tried)),
        total_exact=f"{failed:,} of {tried:,} tries",
        note="" if failed else _nothing(tried, outcome),
        is_empty=not failed,
    )


def _of_records(filters: Mapping[str, str], outcome: str) -> dict[str, str]:
    """The same filters as the explorer knows them: a failed try of an absorbed call is not that call's own class."""
    if outcome == "seen":
        return dict(filters)
    renamed = {"error_class": "tried_class", "provider": "tried_provider"}
    return {renamed.get(name, name): value for name, value in filters.items()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _rate(part: int, whole: int) -> float | None:
    """A share, or None where there is nothing to be a share of: the line breaks there."""
    return part / whole if whole else None


def _nothing(tried: int, outcome: str) -> str:
    if not tried:
        return "No calls in this time."
    return "No caller saw an error in this time." if outcome == "seen" else "Nothing had to be absorbed in this time."
