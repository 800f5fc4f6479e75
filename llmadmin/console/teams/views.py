"""Teams: which services and people belong together, what they spend."""

from __future__ import annotations

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from llmadmin.accounts import selectors, teams
from llmadmin.accounts.models import Team
from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.console.access import needs
from llmadmin.console.figures import figures_by
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.console.teams.forms import TeamForm, values_of


@needs()
def team_list(request: HttpRequest) -> HttpResponse:
    found = selectors.teams().annotate(
        service_count=Count("services", distinct=True), member_count=Count("members", distinct=True)
    )
    mine = set(selectors.teams().filter(members=request.user.pk).values_list("pk", flat=True))
    rows = sorted(((team, team.pk in mine) for team in found), key=lambda row: not row[1])
    return render_page(request, "teams/list.html", {"rows": rows})


@needs()
def team_detail(request: HttpRequest, slug: str) -> HttpResponse:
    team = selectors.get_team(slug)
    week = figures_by("service", days=7)
    services = [(service, week.get(service.name)) for service in selectors.services().filter(team=team)]
    context = {"team": team, "services": services, "members": list(team.members.order_by("email"))}
    return render_page(request, "teams/detail.html", context)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def add_team(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = save(
            request, form, lambda: teams.create_team(**form.values()), what="Team saved", permission=SERVICES_MANAGE
        )
        if team:
            return redirect("teams:detail", team.slug)
    return _form_page(request, form)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def edit_team(request: HttpRequest, slug: str) -> HttpResponse:
    team = selectors.get_team(slug)
    form = TeamForm(request.POST or None, initial=values_of(team))
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: teams.update_team(team, expected_revision=revision, **form.values()),
            what="Team saved",
            permission=SERVICES_MANAGE,
        )
        if saved:
            return redirect("teams:detail", saved.slug)
    return _form_page(request, form, team=team)


def _form_page(request: HttpRequest, form: TeamForm, *, team: Team | None = None) -> HttpResponse:
    context = {
        "form": form,
        "team": team,
        "theirs": last_change("team", team.slug) if team and form.is_stale else None,
        "fresh_revision": team.revision if team else None,
    }
    return render_page(request, "teams/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def delete_team(request: HttpRequest, slug: str) -> HttpResponse:
    team = selectors.get_team(slug)
    refusal = None
    if request.method == "POST":
        refusal = attempt(
            request, lambda: teams.delete_team(team), what=f"Team {slug} deleted", permission=SERVICES_MANAGE
        )
        if refusal is None:
            return redirect("teams:list")
    return render_page(request, "teams/delete.html", {"team": team, "refusal": refusal}, status=409 if refusal else 200)
