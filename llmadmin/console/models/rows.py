"""Models with the price that holds now and the aliases that go to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from llmadmin.catalog.models import LanguageModel, Price
from llmadmin.routing.models import Target


@dataclass(frozen=True, slots=True)
class ModelRow:
    model: LanguageModel
    price: Price | None
    aliases: Sequence[str]

    @property
    def capabilities(self) -> list[str]:
        """What tells this model from others: nearly all chat and stream."""
        return [one for one in self.model.capabilities if one not in ("chat", "stream")]


def model_rows(models: Iterable[LanguageModel]) -> list[ModelRow]:
    """The models of one page, in three queries with theirs."""
    rows = list(models)
    prices = current_prices(rows)
    users: dict[uuid.UUID, list[str]] = {}
    for model_id, alias in (
        Target.objects.filter(model__in=rows).order_by("alias__name").values_list("model_id", "alias__name")
    ):
        users.setdefault(model_id, []).append(alias)
    return [ModelRow(row, prices.get(row.pk), users.get(row.pk, ())) for row in rows]


def current_prices(models: Iterable[LanguageModel]) -> dict[uuid.UUID, Price]:
    """Model → the price that holds now. One query."""
    held = Price.objects.filter(model__in=list(models), effective_from__lte=timezone.now()).order_by(
        "model_id", "effective_from"
    )
    return {price.model_id: price for price in held}
