"""Costs: what was spent, by whom, against the period before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from llmadmin.accounts.permissions import USAGE_VIEW
from llmadmin.catalog import selectors as catalog
from llmadmin.console.access import needs
from llmadmin.console.charts import Change, change_between
from llmadmin.console.costs.figures import provider_order, shown_name, spend_figure
from llmadmin.console.costs.table import csv_pieces, sort_of, sorted_rows
from llmadmin.console.htmx import render_page
from llmadmin.console.links import link, to_requests
from llmadmin.console.periods import PRESETS, Period, period_of
from llmadmin.usage.selectors import CostTable, Timeline, cost_table, timeline, unpriced_models
from llmadmin.usage.selectors.costs import CostRow

DIMENSIONS = {
    "provider": "Provider",
    "model": "Model",
    "alias": "Alias",
    "agent": "Agent",
    "service": "Service",
}
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """What the URL asks for."""

    period: Period
    by: str
    filters: dict[str, str]
    sort: str

    def query(self, **other: str) -> dict[str, str]:
        return {**self.period.query, "by": self.by, **self.filters, "sort": self.sort} | other


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, with what it opens."""

    row: CostRow
    name: str
    change: Change | None
    href: str


@needs(USAGE_VIEW)
def page(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    span: dict[str, Any] = {"from_at": asked.period.from_at, "to_at": asked.period.to_at, "filters": asked.filters}
    table = cost_table(by=asked.by, step=asked.period.step, **span)
    line = timeline(by=asked.by, interval=asked.period.interval, zone=timezone.get_current_timezone(), **span)
    return render_page(request, "costs/page.html", _context(asked, table, line), fragment="costs")


@needs(USAGE_VIEW)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The table as CSV, with every row of it and exact figures."""
    asked = _asked(request)
    period = asked.period
    table = cost_table(from_at=period.from_at, to_at=period.to_at, by=asked.by, filters=asked.filters, step=period.step)
    pieces = csv_pieces(table, sorted_rows(table, asked.sort))
    name = f"costs-by-{asked.by}-{period.first_day}-{period.last_day}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: HttpRequest) -> Asked:
    by = request.GET.get("by", "provider")
    filters = {name: request.GET[name][:264] for name in DIMENSIONS if request.GET.get(name)}
    return Asked(
        period=period_of(request.GET),
        by=by if by in DIMENSIONS else "provider",
        filters=filters,
        sort=sort_of(request.GET.get("sort", "")),
    )


def _context(asked: Asked, table: CostTable, line: Timeline) -> dict[str, Any]:
    change = change_between(table.total.cost_usd, table.previous.cost_usd)
    rows = sorted_rows(table, asked.sort)
    unpriced = _unpriced(asked) if table.total.unpriced_calls else []
    return {
        "asked": asked,
        "presets": [(name, label, _address(asked, range=name)) for name, label, _ in PRESETS],
        "dimensions": [(name, label, _address(asked, by=name)) for name, label in DIMENSIONS.items()],
        "dimension": DIMENSIONS[asked.by],
        "chips": [(DIMENSIONS[name], value, _without(asked, name)) for name, value in asked.filters.items()],
        "figure": spend_figure(
            line,
            by=asked.by,
            title="Spend",
            counts=f"US dollars of {asked.period.words}, by {asked.by}. The change is against the same time before it.",
            change=change,
            filters=asked.filters,
            filter_link=lambda name: _toggled(asked, name),
        ),
        "table": table,
        "change": change,
        "lines": [_line(asked, row) for row in rows[:MOST_ROWS]],
        "hidden_rows": max(len(rows) - MOST_ROWS, 0),
        "columns": _columns(asked),
        "unpriced": unpriced,
        "export_url": link("costs:export", query=asked.query()),
        "has_providers": bool(provider_order()),
    }


def _line(asked: Asked, row: CostRow) -> Line:
    return Line(
        row=row,
        name=shown_name(row.name, by=asked.by),
        change=change_between(row.totals.cost_usd, row.previous.cost_usd),
        href=to_requests(asked.period.query, **{**asked.filters, asked.by: row.name}) if row.name else "",
    )


def _unpriced(asked: Asked) -> list[dict[str, Any]]:
    """The models without a price, each with the page that prices it."""
    found = unpriced_models(from_at=asked.period.from_at, to_at=asked.period.to_at, filters=asked.filters)
    known = catalog.find_models({one.model for one in found})
    return [
        {
            "usage": one,
            "href": link("models:detail", known[one.model].pk) if one.model in known else link("models:list"),
        }
        for one in found[:20]
    ]


def _columns(asked: Asked) -> list[dict[str, str]]:
    """The sortable headers: a click turns the order around, a first click on a number begins with the largest."""
    labels = {
        "name": DIMENSIONS[asked.by], "calls": "Calls", "cost": "Cost", "change": "Change", "per_call": "Per call",
        "per_1k": "Per 1k tokens", "unpriced": "Unpriced",
    }  # fmt: skip
    columns = []
    for name, label in labels.items():
        first = name if name == "name" else f"-{name}"
        other = name if first.startswith("-") else f"-{name}"
        order = {f"-{name}": "descending", name: "ascending"}.get(asked.sort, "")
        columns.append(
            {
                "name": name,
                "label": label,
                "order": order,
                "href": _address(asked, sort=other if asked.sort == first else first),
            }
        )
    return columns


def _address(asked: Asked, **other: str) -> str:
    query = asked.query(**other)
    if "range" in other:
        query = {name: value for name, value in query.items() if name not in ("from", "to")}
    return link("costs:page", query=query)


def _toggled(asked: Asked, name: str) -> str:
    return _without(asked, asked.by) if asked.filters.get(asked.by) == name else _address(asked, **{asked.by: name})


def _without(asked: Asked, dimension: str) -> str:
    return link("costs:page", query={name: value for name, value in asked.query().items() if name != dimension})
