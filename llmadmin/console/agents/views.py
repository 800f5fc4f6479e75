"""Pages of agents: which type of agent runs on which alias."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.console.access import needs
from llmadmin.console.agents.forms import AgentForm, values_of
from llmadmin.console.figures import calls_by, figures_of
from llmadmin.console.htmx import render_page
from llmadmin.console.impact.resolution import panel_for
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.console.snippets import call_snippets
from llmadmin.core.paging import keyset_page
from llmadmin.routing import selectors, services
from llmadmin.routing.models import AgentMapping

PAGE_SIZE = 100


@needs()
def agent_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:128]
    found = selectors.agents()
    if wanted:
        found = found.filter(name__icontains=wanted)
    page = keyset_page(found, order=["name"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    week = calls_by("agent", [agent.name for agent in page.rows])
    context = {"rows": [(agent, week.get(agent.name)) for agent in page.rows], "page": page, "wanted": wanted}
    return render_page(request, "agents/list.html", context, fragment="agents")


@needs()
def agent_detail(request: HttpRequest, name: str) -> HttpResponse:
    agent = selectors.get_agent(name)
    alias = selectors.get_alias(agent.alias.name)
    context = {
        "agent": agent,
        "alias": alias,
        "panel": panel_for(request, f"agent:{agent.name}", alias=alias),
        "snippets": call_snippets(request, f"agent:{agent.name}"),
        "week": figures_of("agent", agent.name),
    }
    return render_page(request, "agents/detail.html", context, fragment="resolution")


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def add_agent(request: HttpRequest) -> HttpResponse:
    form = AgentForm(request.POST or None, initial={"alias": request.GET.get("alias", "")[:128]})
    if request.method == "POST" and form.is_valid():
        agent = save(request, form, lambda: services.create_agent(**form.values()), what="Agent saved")
        if agent:
            return redirect("agents:detail", agent.name)
    return _form_page(request, form)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def edit_agent(request: HttpRequest, name: str) -> HttpResponse:
    agent = selectors.get_agent(name)
    form = AgentForm(request.POST or None, initial=values_of(agent))
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_agent(agent, expected_revision=revision, **form.values()),
            what="Agent saved",
        )
        if saved:
            return redirect("agents:detail", saved.name)
    return _form_page(request, form, agent=agent)


def _form_page(request: HttpRequest, form: AgentForm, *, agent: AgentMapping | None = None) -> HttpResponse:
    context = {
        "form": form,
        "agent": agent,
        "theirs": last_change("agent", agent.name) if agent and form.is_stale else None,
        "fresh_revision": agent.revision if agent else None,
    }
    return render_page(request, "agents/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def delete_agent(request: HttpRequest, name: str) -> HttpResponse:
    agent = selectors.get_agent(name)
    refusal = None
    if request.method == "POST":
        refusal = attempt(request, lambda: services.delete_agent(agent), what=f"Agent {name} deleted")
        if refusal is None:
            return redirect("agents:list")
    return render_page(
        request, "agents/delete.html", {"agent": agent, "refusal": refusal}, status=409 if refusal else 200
    )
