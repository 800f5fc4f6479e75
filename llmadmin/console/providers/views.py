"""Pages of providers: list, detail, forms, and the live test."""

from __future__ import annotations

from operator import attrgetter

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.permissions import CONFIG_EDIT, SECRETS_WRITE
from llmadmin.catalog import services
from llmadmin.catalog.kinds import find_kind, kinds
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.selectors import get_provider, models_of
from llmadmin.console.access import needs
from llmadmin.console.figures import Trends, figures_by
from llmadmin.console.health import providers_health
from llmadmin.console.htmx import render_page
from llmadmin.console.providers.connection import check, progress
from llmadmin.console.providers.forms import NewProviderForm, ProviderForm, values_of
from llmadmin.console.providers.rows import provider_rows, with_prices
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.vault.detection import provider_kind_of
from llmadmin.vault.models import KeyState
from llmadmin.vault.selectors import keys_of
from llmadmin.vault.services import add_key
from providers.base.metadata import ProviderMetadata


@needs()
def provider_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "providers/list.html", {"rows": provider_rows()}, fragment="providers")


@needs()
def provider_detail(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    keys = list(keys_of(provider))
    context = {
        "provider": provider,
        "kind": find_kind(provider.kind),
        "health": next((one for one in providers_health() if one.slug == slug), None),
        "keys": keys,
        "locked_keys": [key for key in keys if key.state == KeyState.LOCKED],
        "expiring": sorted((key for key in keys if key.days_left is not None), key=attrgetter("expires_at")),
        "models": with_prices(models_of(provider)),
        "origin": origin_of(provider),
        "day": figures_by("provider", days=1).get(slug),
        "week": figures_by("provider", days=7).get(slug),
        "trend": Trends("provider").line_of(slug),
    }
    return render_page(request, "providers/detail.html", context)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def add_provider(request: HttpRequest) -> HttpResponse:
    kind = find_kind(request.GET.get("kind", ""))
    if kind is None:
        return render_page(
            request, "providers/kinds.html", {"kinds": sorted(kinds(), key=lambda one: one.is_self_hosted)}
        )
    initial = {"slug": _free_slug(kind.slug), "label": ""}
    form = NewProviderForm(request.POST or None, initial=initial, metadata=kind)
    if request.method == "POST" and form.is_valid():
        provider = save(request, form, lambda: _create(form, kind), what="Provider saved")
        if provider:
            return redirect("providers:detail", provider.slug)
    return render_page(request, "providers/form.html", {"form": form, "kind": kind}, status=422 if form.errors else 200)


def _create(form: NewProviderForm, kind: ProviderMetadata) -> Provider:
    provider = services.create_provider(kind=kind.slug, **form.values())
    if form.cleaned_data["api_key"]:
        add_key(provider, label=form.cleaned_data["key_label"] or "main", api_key=form.cleaned_data["api_key"])
    return provider


def _free_slug(kind: str) -> str:
    taken = set(Provider.objects.filter(slug__startswith=kind).values_list("slug", flat=True))
    return next(one for one in (kind, *(f"{kind}-{number}" for number in range(2, len(taken) + 3))) if one not in taken)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def edit_provider(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    kind = find_kind(provider.kind)
    form = ProviderForm(request.POST or None, initial=values_of(provider, kind), metadata=kind)
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_provider(provider, expected_revision=revision, **form.values()),
            what="Provider saved",
        )
        if saved:
            return redirect("providers:detail", saved.slug)
    context = {
        "form": form,
        "kind": kind,
        "provider": provider,
        "key_count": keys_of(provider).count(),
        "theirs": last_change("provider", slug) if form.is_stale else None,
        "fresh_revision": provider.revision,
    }
    return render_page(request, "providers/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def delete_provider(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    refusal = None
    if request.method == "POST":
        refusal = attempt(request, lambda: services.delete_provider(provider), what=f"Provider {slug} deleted")
        if refusal is None:
            return redirect("providers:list")
    context = {"provider": provider, "refusal": refusal}
    return render_page(request, "providers/delete.html", context, status=409 if refusal else 200)


@require_POST
@needs(CONFIG_EDIT)
def test_provider(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    report = check(provider)
    return render(request, "providers/report.html", {"provider": provider, "report": report, "steps": progress(report)})


@require_POST
@needs(SECRETS_WRITE)
def detect_kind(request: HttpRequest) -> HttpResponse:
    """Whose key was pasted; the key comes by POST, so that it stands in no log of addresses."""
    found = find_kind(provider_kind_of(request.POST.get("api_key", "")) or "")
    return render(request, "providers/detected.html", {"found": found, "chosen": request.POST.get("chosen", "")})
