"""Two pages beside the objects: what a change would touch, and how names resolve with something down."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from llmadmin.accounts.models import Service
from llmadmin.accounts.permissions import CONFIG_VIEW, USAGE_VIEW, require
from llmadmin.accounts.selectors import get_service
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.impact.line import calls_url, key_of, page_of, written
from llmadmin.console.impact.resolution import panel_for, panels_of_service
from llmadmin.core.errors import InvalidError
from llmadmin.impact.touching import KINDS, Touched, find_subject, impact_of
from llmadmin.routing.models import AgentMapping, Alias

_NAMES = ("alias", "agent", "model", "service")
MOST_ROWS = 200


@needs(USAGE_VIEW)
def impact_page(request: HttpRequest) -> HttpResponse:
    """Everything that a change of one object touches, with last week's calls of each."""
    require(request.actor, CONFIG_VIEW)  # type: ignore[attr-defined]
    kind, key = _asked(request, KINDS)
    subject = find_subject(kind, key)
    impact = impact_of(subject)
    context = {
        "impact": impact,
        "line": written(impact, key=key_of(subject)),
        "object_url": page_of(subject),
        "calls_url": calls_url(impact),
        "lists": [
            ("alias", "aliases", "Aliases", _linked(impact.aliases, Alias, "aliases:detail")),
            ("agent", "agents", "Agents", _linked(impact.agents, AgentMapping, "agents:detail")),
            ("service", "services", "Services", _linked(impact.services, Service, "services:detail")),
        ],
    }
    return render_page(request, "impact/page.html", context)


def _linked(
    rows: tuple[Touched, ...], table: type[Alias | AgentMapping | Service], page: str
) -> list[tuple[Touched, str]]:
    """Each row with its page, where the name still is one. One query."""
    there = set(
        table._default_manager.filter(name__in=[row.name for row in rows[:MOST_ROWS]]).values_list("name", flat=True)
    )
    return [(row, reverse(page, args=[row.name]) if row.name in there else "") for row in rows]


@needs()
def resolution_page(request: HttpRequest) -> HttpResponse:
    """How a name resolves now; of a service, every name that it calls."""
    kind, name = _asked(request, _NAMES)
    if kind == "service":
        board = panels_of_service(request, get_service(name))
        context = {"kind": kind, "name": name, "board": board, "kept": [(kind, name)]}
        return render_page(request, "impact/service.html", context, fragment="resolution")
    asked = f"agent:{name.removeprefix('agent:')}" if kind == "agent" else name
    context = {"kind": kind, "name": name, "panel": panel_for(request, asked), "kept": [(kind, name)]}
    return render_page(request, "impact/resolve.html", context, fragment="resolution")


def _asked(request: HttpRequest, kinds: tuple[str, ...]) -> tuple[str, str]:
    """The one object that the address names. Raises InvalidError."""
    given = [(kind, request.GET[kind][:300]) for kind in kinds if request.GET.get(kind)]
    if len(given) != 1:
        raise InvalidError(f"Name one object in the address: {', '.join(f'?{kind}=' for kind in kinds)}.")
    return given[0]
