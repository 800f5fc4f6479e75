"""The overview: spend, calls, errors and health at one glance, or what to do first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString

from llmadmin.config import selectors as config
from llmadmin.config.models import ConfigVersion
from llmadmin.console.access import needs
from llmadmin.console.charts import Cell, Change, cell_row, change_between
from llmadmin.console.costs.figures import spend_figure
from llmadmin.console.errors.figures import error_rate_figure
from llmadmin.console.figures import Trends
from llmadmin.console.health import ProviderHealth as KnownHealth
from llmadmin.console.health import providers_health
from llmadmin.console.links import link, to_requests
from llmadmin.console.overview.steps import steps
from llmadmin.console.periods import day_query, span_query
from llmadmin.console.versions.changes import summary_of
from llmadmin.usage.selectors import OverviewFigures, ProviderHealth, overview_figures
from llmadmin.usage.selectors.health import QUARTER
from llmadmin.usage.selectors.overview import Period, TopAlias
from llmadmin.vault.selectors import expiring_keys

RECENT_CHANGES = 4


@dataclass(frozen=True, slots=True)
class SpendTile:
    label: str
    period: Period
    change: Change | None
    href: str


@dataclass(frozen=True, slots=True)
class HealthRow:
    health: ProviderHealth
    state: str
    reason: str
    href: str
    strip: SafeString


@dataclass(frozen=True, slots=True)
class RecentChange:
    version: ConfigVersion
    words: str


@needs()
def overview(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    figures = overview_figures(now, zone=timezone.get_current_timezone())
    todo = steps(has_calls=figures.has_calls)
    context: dict[str, Any] = {
        "steps": todo,
        "steps_done": sum(step.is_done for step in todo),
        "is_set_up": all(step.is_done for step in todo),
        "figures": figures,
        "has_calls": figures.has_calls,
        "expiring": expiring_keys(),
    }
    if figures.has_calls:
        context |= _watched(figures, now)
    context["changes"] = _recent_changes()
    return render(request, "overview/page.html", context)


def _watched(figures: OverviewFigures, now: dt.datetime) -> dict[str, Any]:
    day = figures.day
    return {
        "spend_tiles": [
            _spend_tile("Spend today", figures.today, day_query(timezone.localdate())),
            _spend_tile("Spend, 7 days", figures.week, {"range": "7d"}),
            _spend_tile("Spend, 30 days", figures.month, {"range": "30d"}),
        ],
        "calls_change": change_between(day.totals.calls, day.previous.calls),
        "errors_change": change_between(day.totals.errors, day.previous.errors),
        "calls_url": to_requests({"range": "24h"}),
        "seen_url": to_requests({"range": "24h"}, status="seen"),
        "absorbed_url": to_requests({"range": "24h"}, status="absorbed"),
        "spend": spend_figure(
            figures.spend,
            by="provider",
            title="Spend by provider",
            counts="US dollars a day, the last 30 days in your time zone.",
            change=change_between(figures.month.totals.cost_usd, figures.month.previous.cost_usd),
            filter_link=lambda name: link("costs:page", query={"range": "30d", "by": "model", "provider": name}),
        ),
        "health_rows": _health_rows(figures.health),
        "error_rate": error_rate_figure(figures.spend),
        "top_aliases": _top_aliases(figures),
    }


def _top_aliases(figures: OverviewFigures) -> list[tuple[TopAlias, str, SafeString]]:
    """Each with the page of its calls and its spend of the last days as a small line."""
    trends = Trends("alias")
    return [
        (one, to_requests({"range": "7d"}, alias=one.name), trends.line_of(one.name)) for one in figures.top_aliases
    ]


def _spend_tile(label: str, period: Period, query: dict[str, str]) -> SpendTile:
    change = change_between(period.totals.cost_usd, period.previous.cost_usd)
    return SpendTile(label, period, change, link("costs:page", query=query))


def _health_rows(found: list[ProviderHealth]) -> list[HealthRow]:
    """A strip for each provider with traffic; its state is the one of the top bar, so that both say the same."""
    known = {one.slug: one for one in providers_health()}
    return [_health_row(one, known.get(one.provider)) for one in found]


def _health_row(health: ProviderHealth, known: KnownHealth | None) -> HealthRow:
    cells = [
        Cell(
            label=f"{timezone.localtime(cell.at):%a %H:%M}",
            calls=cell.attempts,
            failed=cell.failures,
            href=to_requests(span_query(cell.at, cell.at + QUARTER), provider=health.provider),
        )
        for cell in health.cells
    ]
    label = f"{health.provider}, the last 24 hours in quarters of an hour"
    return HealthRow(
        health=health,
        state=known.state if known else "unknown",
        reason=known.reason if known else "It is not among the providers any more.",
        href=link("providers:detail", known.slug) if known else "",
        strip=cell_row(cells, label=label),
    )


def _recent_changes() -> list[RecentChange]:
    found = config.versions().defer(None).defer("document", "restore_state")[:RECENT_CHANGES]
    return [RecentChange(version, _words(version)) for version in found]


def _words(version: ConfigVersion) -> str:
    """What a version changed, in a line: the reason that was given, else its objects."""
    if version.why:
        return version.why
    changes = version.changes or []
    words = summary_of(changes[:1])
    more = len(changes) - 1
    return f"{words[:1].upper()}{words[1:]}{f' and {more} more' if more > 0 else ''}"
