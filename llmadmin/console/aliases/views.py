"""Pages of aliases: the chain, how it resolves, and the code to call it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.models import Service
from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.catalog.selectors import models
from llmadmin.console.access import needs
from llmadmin.console.aliases.canary import trial_of
from llmadmin.console.aliases.forms import STRATEGY_WORDS, AliasForm, TargetRow, rows_of, values_of
from llmadmin.console.figures import calls_by, figures_of
from llmadmin.console.htmx import render_page
from llmadmin.console.impact.resolution import panel_for
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.console.snippets import call_snippets
from llmadmin.core.paging import keyset_page
from llmadmin.routing import selectors, services
from llmadmin.routing.models import AfterSunset, Alias
from llmadmin.routing.services.retirement import has_own_note
from llmadmin.usage.selectors.callers import callers_of_alias

PAGE_SIZE = 100
SUGGESTIONS = 200
MOST_SHOWN = 50


@needs()
def alias_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:128]
    found = selectors.aliases()
    if wanted:
        found = found.filter(name__icontains=wanted)
    page = keyset_page(found, order=["name"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    week = calls_by("alias", [alias.name for alias in page.rows])
    context = {
        "rows": [(alias, week.get(alias.name)) for alias in page.rows],
        "page": page,
        "wanted": wanted,
        "default_name": selectors.default_name(),
        "now": timezone.now(),
    }
    return render_page(request, "aliases/list.html", context, fragment="aliases")


@needs()
def alias_detail(request: HttpRequest, name: str) -> HttpResponse:
    """The alias's page; the what-if switches ask for its resolution panel alone."""
    alias = selectors.get_alias(name)
    context: dict[str, Any] = {"alias": alias, "panel": panel_for(request, alias.name, alias=alias)}
    if request.htmx.target == "resolution":  # type: ignore[attr-defined]
        return render_page(request, "aliases/detail.html", context, fragment="resolution")
    now = timezone.now()
    context |= {
        "strategy_words": STRATEGY_WORDS.get(alias.strategy, ""),
        "agents": selectors.agents().filter(alias=alias)[:MOST_SHOWN],
        "granted": _granted(alias),
        "callers": callers_of_alias(alias.name, now=now, most=MOST_SHOWN),
        "trial": trial_of(alias),
        "has_own_note": has_own_note(alias),
        "has_ended": alias.after_sunset == AfterSunset.REFUSE and alias.sunset_at and alias.sunset_at <= now,
        "is_default": selectors.default_name() == alias.name,
        "snippets": call_snippets(request, alias.name),
        "week": figures_of("alias", alias.name),
    }
    return render_page(request, "aliases/detail.html", context, fragment="resolution")


def _granted(alias: Alias) -> list[str]:
    """Services that are granted the alias by its name."""
    rows = Service.objects.filter(enabled=True, is_internal=False).order_by("name").values_list("name", "aliases")
    return [service for service, names in rows if alias.name in names]


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def add_alias(request: HttpRequest) -> HttpResponse:
    first = [TargetRow(request.GET.get("model", "")[:264])]
    form = AliasForm(request.POST if request.method == "POST" else None, rows=first)
    if request.method == "POST" and form.is_valid():
        alias = save(request, form, lambda: services.create_alias(**form.values()), what="Alias saved")
        if alias:
            return redirect("aliases:detail", alias.name)
    return _form_page(request, form)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def edit_alias(request: HttpRequest, name: str) -> HttpResponse:
    alias = selectors.get_alias(name)
    form = AliasForm(request.POST if request.method == "POST" else None, rows=rows_of(alias), initial=values_of(alias))
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_alias(alias, expected_revision=revision, **form.values()),
            what="Alias saved",
        )
        if saved:
            return redirect("aliases:detail", saved.name)
    return _form_page(request, form, alias=alias)


def _form_page(request: HttpRequest, form: AliasForm, *, alias: Alias | None = None) -> HttpResponse:
    context = {
        "form": form,
        "alias": alias,
        "empty_row": TargetRow(),
        "suggestions": models().filter(enabled=True)[:SUGGESTIONS],
        "strategy_words": STRATEGY_WORDS,
        "replacements": Alias.objects.order_by("name").values_list("name", flat=True)[:SUGGESTIONS],
        "theirs": last_change("alias", alias.name) if alias and form.is_stale else None,
        "fresh_revision": alias.revision if alias else None,
    }
    return render_page(request, "aliases/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def delete_alias(request: HttpRequest, name: str) -> HttpResponse:
    alias = selectors.get_alias(name)
    refusal = None
    if request.method == "POST":
        refusal = attempt(request, lambda: services.delete_alias(alias), what=f"Alias {name} deleted")
        if refusal is None:
            return redirect("aliases:list")
    context = {"alias": alias, "refusal": refusal}
    return render_page(request, "aliases/delete.html", context, status=409 if refusal else 200)


@require_POST
@needs(CONFIG_EDIT)
def set_default_model(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "")
    refusal = attempt(request, lambda: services.set_default(name or None), what="Default model saved")
    if refusal:
        return render_page(request, "aliases/refused.html", {"refusal": refusal}, status=409)
    return redirect("aliases:detail", name) if name else redirect("aliases:list")
