"""Adding models in bulk: from the folder's catalogue, with prices, or from the provider's own live list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.catalog import services
from llmadmin.catalog.models import Provider
from llmadmin.catalog.selectors import get_provider, models_of
from llmadmin.catalog.services import listed_models
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.providers.connection import offered
from llmadmin.console.saving import attempt
from llmadmin.core.errors import ConflictError

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that could be added. `price` is what the catalogue says of it today, or None."""

    name: str
    context_window: int | None
    capabilities: Sequence[str]
    price: Any
    is_there: bool


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def catalogue(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    return _page(request, provider, lambda: _from_catalogue(provider), template="providers/catalogue.html")


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def live(request: HttpRequest, slug: str) -> HttpResponse:
    provider = get_provider(slug)
    return _page(request, provider, lambda: _from_provider(provider), template="providers/live.html")


def _page(request: HttpRequest, provider: Provider, read: Callable[[], list[Offer]], *, template: str) -> HttpResponse:
    chosen = request.POST.getlist("name")[:MOST_AT_ONCE]
    refusal = None
    if request.method == "POST" and chosen:
        refusal = attempt(
            request, lambda: _add(provider, chosen), what=f"{len(chosen)} model{'' if len(chosen) == 1 else 's'} added"
        )
        if refusal is None:
            return redirect("providers:detail", provider.slug)
    try:
        offers, problem = read(), ""
    except ConflictError as error:
        offers, problem = [], error.message
    context = {"provider": provider, "offers": offers, "problem": problem, "refusal": refusal, "chosen": chosen}
    return render_page(request, template, context, status=422 if refusal else 200)


def _add(provider: Provider, names: Sequence[str]) -> None:
    """What the catalogue knows comes with prices and limits, the rest by its name alone; what is there already stays."""
    known = {entry.name for entry in listed_models(provider)}
    services.import_catalogue_models(provider, [name for name in names if name in known])
    there = set(models_of(provider).values_list("name", flat=True))
    for name in dict.fromkeys(names):
        if name not in known and name not in there:
            services.create_model(provider, name=name)


def _from_catalogue(provider: Provider) -> list[Offer]:
    there = set(models_of(provider).values_list("name", flat=True))
    today = timezone.now().date()
    return [
        Offer(entry.name, entry.context_window, sorted(entry.capabilities), entry.price_on(today), entry.name in there)
        for entry in listed_models(provider)
    ]


def _from_provider(provider: Provider) -> list[Offer]:
    known = {offer.name: offer for offer in _from_catalogue(provider)}
    there = set(models_of(provider).values_list("name", flat=True))
    return [
        known.get(info.name)
        or Offer(info.name, info.context_window, sorted(info.capabilities), None, info.name in there)
        for info in offered(provider)
    ]
