"""Taking models over from what their provider's folder knows of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from llmadmin.catalog.fields import invalid
from llmadmin.catalog.kinds import catalogue_of
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.catalog.services.models import create_model
from llmadmin.catalog.services.prices import set_price
from llmadmin.core.fields import Source
from providers.base.models import ModelEntry
from providers.entries import PRICE_FIELDS


def listed_models(provider: Provider) -> list[ModelEntry]:
    """The models that the provider's folder knows, by name."""
    return sorted(catalogue_of(provider.kind).models.values(), key=lambda entry: entry.name)


def import_catalogue_models(provider: Provider, names: Iterable[str]) -> list[LanguageModel]:
    """Add models by name with what the catalogue says of them, list prices too; those already there are passed over.

    Raises InvalidError for a name that the catalogue does not know.
    """
    known = catalogue_of(provider.kind).models
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise invalid({"names": f"The catalogue does not know {', '.join(unknown)}. Add such a model by hand."})
    there = set(LanguageModel.objects.filter(provider=provider, name__in=wanted).values_list("name", flat=True))
    return [_add_listed(provider, known[name]) for name in wanted if name not in there]


def _add_listed(provider: Provider, entry: ModelEntry) -> LanguageModel:
    model = create_model(
        provider,
        name=entry.name,
        source=Source.CATALOGUE,
        context_window=entry.context_window,
        max_output_tokens=entry.max_output_tokens,
        capabilities=sorted(entry.capabilities),
    )
    for price in entry.prices:
        rates = {name: getattr(price, name) for name in PRICE_FIELDS}
        at = dt.datetime.combine(price.effective_from, dt.time(), tzinfo=dt.UTC)
        set_price(
            model, effective_from=at, tiers=[dict(tier) for tier in price.tiers], source=Source.CATALOGUE, **rates
        )
    return model
