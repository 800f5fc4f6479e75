"""A canary's pages: begin or change the trial, and end it one way or the other with one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.catalog.selectors import models
from llmadmin.console import formats
from llmadmin.console.access import needs
from llmadmin.console.forms import JSONObjectField, RevisionForm
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.core.errors import DomainError
from llmadmin.impact.comparing import Comparison, SideFigures, compare
from llmadmin.routing import selectors, services
from llmadmin.routing.models import Alias

SUGGESTIONS = 200


class CanaryForm(RevisionForm):
    model = forms.CharField(
        label="Model on trial",
        max_length=264,
        widget=forms.TextInput(
            attrs={"class": "mono", "list": "model-options", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text="As provider/model. It may be one of the targets, with other parameters.",
    )
    share_percent = forms.FloatField(
        label="Share of the calls, %",
        initial=5,
        help_text="Above 0, at most 99. Calls of one session stay on one side.",
    )
    params = JSONObjectField(label="Its own parameters", rows=3, help_text="A JSON object; empty for none.")

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("model", "share_percent", "params")}

    def add_domain_error(self, problem: DomainError) -> None:
        """The services call the fields `canary.model` and so on."""
        fields = {path.removeprefix("canary."): sentence for path, sentence in problem.fields.items()}
        super().add_domain_error(type(problem)(problem.message, fields=fields))


@dataclass(frozen=True, slots=True)
class Trial:
    """The canary of an alias as its page shows it. `after` are the targets once it is promoted."""

    alias: Alias
    comparison: Comparison
    after: list[str]
    promote_reason: str
    drop_reason: str


def trial_of(alias: Alias) -> Trial | None:
    canary = alias.canary
    if canary is None or alias.canary_since is None:
        return None
    found = compare(alias.name, since=alias.canary_since)
    targets = [
        {"model": one.model.full_name, "weight": one.weight, "params": one.params} for one in alias.targets.all()
    ]
    seen = f"{_words(found.canary)} against {_words(found.stable)}"
    return Trial(
        alias,
        found,
        [target["model"] for target in services.promoted(alias.strategy, targets, canary)],
        f"Canary {canary['model']} promoted: {seen}"[:500],
        f"Canary {canary['model']} dropped: {seen}"[:500],
    )


def _words(side: SideFigures) -> str:
    return f"{side.calls:,} calls, {formats.percent(side.failure_rate)} failed"


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def edit_canary(request: HttpRequest, name: str) -> HttpResponse:
    """Begin a trial, or change its share."""
    alias = selectors.get_alias(name)
    initial = {**(alias.canary or {}), "revision": alias.revision}
    form = CanaryForm(request.POST or None, initial=initial if alias.canary else {"revision": alias.revision})
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_alias(alias, expected_revision=revision, canary=form.values()),
            what="Canary saved",
        )
        if saved:
            return redirect("aliases:detail", saved.name)
    context = {
        "form": form,
        "alias": alias,
        "suggestions": models().filter(enabled=True)[:SUGGESTIONS],
        "theirs": last_change("alias", alias.name) if form.is_stale else None,
        "fresh_revision": alias.revision,
    }
    return render_page(request, "aliases/canary_form.html", context, status=422 if form.errors else 200)


@require_POST
@needs(CONFIG_EDIT)
def end_canary(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Promote or drop: one change, one version with its reason, and a toast with the way back."""
    alias = selectors.get_alias(name)
    end, what = {
        "promote": (services.promote_canary, "Canary promoted"),
        "drop": (services.drop_canary, "Canary dropped"),
    }[act]
    revision = request.POST.get("revision", "")
    expected = int(revision) if revision.isascii() and revision.isdigit() else None
    refusal = attempt(request, lambda: end(alias, expected_revision=expected), what=what)
    if refusal:
        return render_page(request, "aliases/refused.html", {"refusal": refusal, "alias": alias}, status=409)
    return redirect("aliases:detail", alias.name)
