"""Reading providers, models and prices."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import QuerySet

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.core.errors import MissingError


def providers() -> QuerySet[Provider]:
    return Provider.objects.order_by("slug")


def get_provider(slug: str) -> Provider:
    """Raises MissingError."""
    try:
        return Provider.objects.get(slug=slug)
    except Provider.DoesNotExist:
        raise MissingError(f"There is no provider '{slug}'.") from None


def models() -> QuerySet[LanguageModel]:
    return LanguageModel.objects.select_related("provider").order_by("provider__slug", "name")


def models_of(provider: Provider) -> QuerySet[LanguageModel]:
    return models().filter(provider=provider)


def get_model(model_id: uuid.UUID | str) -> LanguageModel:
    """Raises MissingError."""
    try:
        return models().get(pk=uuid.UUID(str(model_id)))
    except (LanguageModel.DoesNotExist, ValueError):
        raise MissingError(f"There is no model with the id '{model_id}'.") from None


def find_model(full_name: str) -> LanguageModel:
    """The model written `provider/name`. Raises MissingError."""
    found = find_models({full_name}).get(full_name)
    if found is None:
        raise MissingError(f"There is no model '{full_name}'. Write it as provider/name.")
    return found


def find_models(full_names: set[str]) -> dict[str, LanguageModel]:
    """Those of the models written `provider/name` that exist, in one query."""
    wanted = {name.partition("/")[2] for name in full_names}
    found = models().filter(name__in=wanted) if wanted else models().none()
    return {model.full_name: model for model in found if model.full_name in full_names}


def prices() -> QuerySet[Price]:
    return Price.objects.select_related("model__provider").order_by(
        "model__provider__slug", "model__name", "-effective_from"
    )


def prices_of(model: LanguageModel) -> QuerySet[Price]:
    """The model's price history, the latest first."""
    return prices().filter(model=model)


def get_price(price_id: uuid.UUID | str) -> Price:
    """Raises MissingError."""
    try:
        return prices().get(pk=uuid.UUID(str(price_id)))
    except (Price.DoesNotExist, ValueError):
        raise MissingError(f"There is no price with the id '{price_id}'.") from None


def price_at(model: LanguageModel, moment: dt.datetime) -> Price | None:
    """The price that holds at `moment`, or None when none is known."""
    return Price.objects.filter(model=model, effective_from__lte=moment).order_by("-effective_from").first()
