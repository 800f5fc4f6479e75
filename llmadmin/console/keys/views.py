"""Pages of API keys, which stand under their provider."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.permissions import SECRETS_WRITE
from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.selectors import get_provider
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.keys.forms import ENVIRONMENTS, KeyForm, NewKeyForm, RotateForm, values_of
from llmadmin.console.providers.connection import check, progress
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.impact.touching import impact_of
from llmadmin.vault import services
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.rotation import find_open_on_either_side as find_rotation
from llmadmin.vault.selectors import get_key
from llmadmin.vault.services import name_of
from llmadmin.vault.sourcing import SourceError, read_source


@needs()
def key_detail(request: HttpRequest, key_id: UUID) -> HttpResponse:
    return _detail(request, get_key(key_id))


def _detail(request: HttpRequest, key: ApiKey, *, refusal: object = None) -> HttpResponse:
    context = {
        "key": key,
        "provider": key.provider,
        "audit_name": name_of(key),
        "refusal": refusal,
        "rotation": find_rotation(key),
        "used_by": impact_of(key),
        "source_problem": _source_problem(key),
    }
    return render_page(request, "keys/detail.html", context, status=409 if refusal else 200)


@require_http_methods(["GET", "POST"])
@needs(SECRETS_WRITE)
def add_key(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    form = NewKeyForm(request.POST or None, provider=provider, initial={"label": request.GET.get("label", "")[:120]})
    if request.method == "POST" and form.is_valid():
        key = save(
            request,
            form,
            lambda: services.add_key(provider, **form.values()),
            what="API key saved",
            permission=SECRETS_WRITE,
        )
        if key:
            return redirect("providers:detail", provider.slug)
    return _form_page(
        request,
        form,
        template="keys/add.html",
        provider=provider,
        origin=origin_of(provider),
        kind=find_kind(provider.kind),
    )


@require_http_methods(["GET", "POST"])
@needs(SECRETS_WRITE)
def edit_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = get_key(key_id)
    form = KeyForm(request.POST or None, provider=key.provider, initial=values_of(key))
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_key(key, expected_revision=revision, **form.values()),
            what="API key saved",
            permission=SECRETS_WRITE,
        )
        if saved:
            return redirect("keys:detail", key.pk)
    return _form_page(request, form, template="keys/edit.html", key=key, provider=key.provider)


@require_http_methods(["GET", "POST"])
@needs(SECRETS_WRITE)
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = get_key(key_id)
    form = RotateForm(request.POST or None, initial={"revision": key.revision})
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.rotate_key(key, **form.source(), expected_revision=revision),
            what="New API key stored",
            permission=SECRETS_WRITE,
        )
        if saved:
            return redirect("keys:detail", key.pk)
    return _form_page(
        request, form, template="keys/rotate.html", key=key, provider=key.provider, origin=origin_of(key.provider)
    )


@require_POST
@needs(SECRETS_WRITE)
def check_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """One free call with this very key."""
    key = get_key(key_id)
    report = check(key.provider, key=key)
    context = {"report": report, "provider": key.provider, "steps": progress(report)}
    return render_page(request, "providers/report.html", context)


@require_POST
@needs(SECRETS_WRITE)
def set_key_state(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = get_key(key_id)
    state = request.POST.get("state", "")
    refusal = attempt(request, lambda: services.set_state(key, state), what="API key saved", permission=SECRETS_WRITE)
    return _detail(request, key, refusal=refusal) if refusal else redirect("keys:detail", key.pk)


@require_http_methods(["GET", "POST"])
@needs(SECRETS_WRITE)
def delete_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """A key can't be brought back by any version, so its label is typed to confirm."""
    key = get_key(key_id)
    problem, refusal = "", None
    if request.method == "POST" and request.POST.get("confirm", "").strip() != key.label:
        problem = f"Type {key.label} to confirm."
    elif request.method == "POST":
        refusal = attempt(
            request, lambda: services.delete_key(key), what=f"API key {key.label} deleted", permission=SECRETS_WRITE
        )
        if refusal is None:
            return redirect("providers:detail", key.provider.slug)
    context = {"key": key, "provider": key.provider, "problem": problem, "refusal": refusal}
    return render_page(request, "keys/delete.html", context, status=422 if problem else 409 if refusal else 200)


def _form_page(request: HttpRequest, form: KeyForm | RotateForm, *, template: str, **context: object) -> HttpResponse:
    key = context.get("key")
    theirs = last_change("key", name_of(key)) if form.is_stale and isinstance(key, ApiKey) else None
    revision = key.revision if isinstance(key, ApiKey) else None
    whole = {"form": form, "theirs": theirs, "fresh_revision": revision, "environments": ENVIRONMENTS, **context}
    return render_page(request, template, whole, status=422 if form.errors else 200)


def _source_problem(key: ApiKey) -> str:
    """Why a key that lies in the environment or in a file can't be read there now."""
    if not key.source_ref or key.state == KeyState.LOCKED:
        return ""
    try:
        read_source(key.source_ref, origin=key.origin)
    except SourceError as problem:
        return str(problem)
    return ""
