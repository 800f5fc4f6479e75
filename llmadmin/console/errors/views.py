"""Errors: what fails, since when, at whom, and whether anybody noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from llmadmin.accounts.permissions import USAGE_VIEW
from llmadmin.console.access import needs
from llmadmin.console.errors.advice import Advice, advice_for, title_of
from llmadmin.console.errors.figures import absorbed_figure, seen_figure
from llmadmin.console.htmx import render_page
from llmadmin.console.links import link, to_requests
from llmadmin.console.periods import PRESETS, Period, period_of
from llmadmin.usage.selectors import ErrorTable, error_table, error_timeline, total_cost
from llmadmin.usage.selectors.errors import ErrorRow

DEFAULT_RANGE = "7d"
FILTERS = ("error_class", "provider")


@dataclass(frozen=True, slots=True)
class Line:
    """One class at one provider, and what each of its numbers opens."""

    row: ErrorRow
    title: str
    tries_href: str
    calls_href: str
    absorbed_href: str
    example_href: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """What to do about a class that occurred, and the page where it is done."""

    advice: Advice
    error_class: str
    attempts: int
    href: str


@needs(USAGE_VIEW)
def page(request: HttpRequest) -> HttpResponse:
    period = period_of(request.GET, default=DEFAULT_RANGE)
    filters = {name: request.GET[name][:264] for name in FILTERS if request.GET.get(name)}
    span: dict[str, Any] = {"from_at": period.from_at, "to_at": period.to_at}
    table = error_table(filters=filters, **span)
    only_provider = {name: value for name, value in filters.items() if name == "provider"}
    calls = total_cost(filters=only_provider, **span)
    line = error_timeline(interval=period.interval, zone=timezone.get_current_timezone(), filters=only_provider, **span)
    if "error_class" in filters:
        line.series = [one for one in line.series if one.error_class == filters["error_class"]]
    context = _context(period, filters, table) | {
        "seen": seen_figure(line, filters=filters, class_link=lambda name: _toggled(period, filters, name)),
        "absorbed": absorbed_figure(line, filters=filters, class_link=lambda name: _toggled(period, filters, name)),
        "calls": calls.calls,
        "recovered": calls.recovered,
        "seen_share": table.total.errors / calls.calls if calls.calls else None,
        "tries": sum(line.attempts),
    }
    return render_page(request, "errors/page.html", context, fragment="errors")


def _context(period: Period, filters: dict[str, str], table: ErrorTable) -> dict[str, Any]:
    query = {**period.query, **filters}
    words = {"error_class": title_of(filters.get("error_class", "")), "provider": filters.get("provider", "")}
    return {
        "period": period,
        "hidden": filters,
        "presets": [(name, label, link("errors:page", query={**filters, "range": name})) for name, label, _ in PRESETS],
        "chips": [(words[name], _address(query, **{name: ""})) for name in filters],
        "table": table,
        "lines": [_line(period, row) for row in table.rows],
        "guidance": _guidance(table),
        "absorbed_url": to_requests(period.query, status="absorbed", provider=filters.get("provider")),
        "seen_url": to_requests(period.query, status="seen", **filters),
    }


def _line(period: Period, row: ErrorRow) -> Line:
    tried = {"tried_class": row.error_class, "tried_provider": row.provider}
    return Line(
        row=row,
        title=title_of(row.error_class),
        tries_href=to_requests(period.query, **tried),
        calls_href=to_requests(period.query, status="seen", error_class=row.error_class, provider=row.provider),
        absorbed_href=to_requests(period.query, status="absorbed", **tried),
        example_href=link("requests:detail", row.example_record_id) if row.example_record_id else "",
    )


def _guidance(table: ErrorTable) -> list[Guidance]:
    attempts: dict[str, int] = {}
    for row in table.rows:
        attempts[row.error_class] = attempts.get(row.error_class, 0) + max(row.attempts, row.calls)
    found = []
    for error_class, number in sorted(attempts.items(), key=lambda one: (-one[1], one[0])):
        advice = advice_for(error_class)
        found.append(Guidance(advice, error_class, number, link(advice.link) if advice.link else ""))
    return found


def _toggled(period: Period, filters: dict[str, str], error_class: str) -> str:
    chosen = "" if filters.get("error_class") == error_class else error_class
    return _address({**period.query, **filters}, error_class=chosen)


def _address(query: dict[str, str], **other: str) -> str:
    return link("errors:page", query={**query, **other})
