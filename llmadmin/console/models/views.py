"""Pages of models and their prices."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.catalog import selectors, services
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.models.forms import METERS, ModelForm, PriceForm, values_of
from llmadmin.console.models.rows import current_prices, model_rows
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.core.paging import keyset_page
from llmadmin.routing.models import Alias

PAGE_SIZE = 100
OPTIONS = 50


@needs()
def model_list(request: HttpRequest) -> HttpResponse:
    wanted, provider = request.GET.get("q", "").strip()[:200], request.GET.get("provider", "")
    found = selectors.models()
    if wanted:
        found = found.filter(_named_like(wanted))
    if provider:
        found = found.filter(provider__slug=provider)
    page = keyset_page(found, order=["provider__slug", "name", "id"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    context = {
        "rows": model_rows(page.rows),
        "page": page,
        "wanted": wanted,
        "provider": provider,
        "providers": selectors.providers(),
    }
    return render_page(request, "models/list.html", context, fragment="models")


def _named_like(wanted: str) -> Q:
    """By name, or by provider and name as in `openai/gpt`."""
    provider, slash, name = wanted.partition("/")
    condition = Q(name__icontains=wanted) | Q(provider__slug__icontains=wanted)
    return condition | Q(provider__slug=provider, name__icontains=name) if slash else condition


@needs()
def model_options(request: HttpRequest) -> HttpResponse:
    """Names for the chain editor's suggestions."""
    wanted = (request.GET.get("q") or request.GET.get("target_model") or "").strip()[:200]
    found = selectors.models().filter(enabled=True)
    return render(
        request, "models/options.html", {"models": (found.filter(_named_like(wanted)) if wanted else found)[:OPTIONS]}
    )


@needs()
def model_detail(request: HttpRequest, model_id: UUID) -> HttpResponse:
    return _detail(request, model_id)


def _detail(
    request: HttpRequest, model_id: UUID, *, form: PriceForm | None = None, refusal: object = None
) -> HttpResponse:
    model = selectors.get_model(model_id)
    context = {
        "model": model,
        "price": current_prices([model]).get(model.pk),
        "prices": list(selectors.prices_of(model)),
        "now": timezone.now(),
        "meters": METERS,
        "aliases": Alias.objects.filter(targets__model=model).order_by("name"),
        "form": form or PriceForm(),
        "refusal": refusal,
    }
    return render_page(
        request, "models/detail.html", context, status=422 if form and form.errors else 409 if refusal else 200
    )


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def add_model(request: HttpRequest, slug: str) -> HttpResponse:
    provider = selectors.get_provider(slug)
    form = ModelForm(request.POST or None, initial={"capabilities": ["chat"]})
    if request.method == "POST" and form.is_valid():
        model = save(request, form, lambda: services.create_model(provider, **form.values()), what="Model saved")
        if model:
            return redirect("models:detail", model.pk)
    context = {"form": form, "provider": provider}
    return render_page(request, "models/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def edit_model(request: HttpRequest, model_id: UUID) -> HttpResponse:
    model = selectors.get_model(model_id)
    form = ModelForm(request.POST or None, initial=values_of(model))
    if request.method == "POST" and form.is_valid():
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_model(model, expected_revision=revision, **form.values()),
            what="Model saved",
        )
        if saved:
            return redirect("models:detail", model.pk)
    context = {
        "form": form,
        "model": model,
        "provider": model.provider,
        "theirs": last_change("model", model.full_name) if form.is_stale else None,
        "fresh_revision": model.revision,
    }
    return render_page(request, "models/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def delete_model(request: HttpRequest, model_id: UUID) -> HttpResponse:
    model = selectors.get_model(model_id)
    refusal = None
    if request.method == "POST":
        refusal = attempt(request, lambda: services.delete_model(model), what=f"Model {model.full_name} deleted")
        if refusal is None:
            return redirect("providers:detail", model.provider.slug)
    context = {"model": model, "refusal": refusal}
    return render_page(request, "models/delete.html", context, status=409 if refusal else 200)


@require_POST
@needs(CONFIG_EDIT)
def add_price(request: HttpRequest, model_id: UUID) -> HttpResponse:
    model = selectors.get_model(model_id)
    form = PriceForm(request.POST)
    if form.is_valid():
        price = save(request, form, lambda: services.set_price(model, **form.values()), what="Price saved")
        if price:
            return redirect("models:detail", model.pk)
    return _detail(request, model_id, form=form)


@require_POST
@needs(CONFIG_EDIT)
def delete_price(request: HttpRequest, model_id: UUID, price_id: UUID) -> HttpResponse:
    price = selectors.get_price(price_id)
    refusal = attempt(request, lambda: services.delete_price(price), what="Price deleted")
    return _detail(request, model_id, refusal=refusal) if refusal else redirect("models:detail", model_id)
