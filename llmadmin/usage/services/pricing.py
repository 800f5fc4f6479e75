"""The price that a reported call had when it began."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from llmadmin.catalog.models import Price
from llmadmin.catalog.selectors import find_models
from llmadmin.usage.entry import UsageEntry
from providers.cost import break_down
from providers.entries import PRICE_FIELDS, PriceConfig, PriceTier
from providers.types import METERS, Usage

PriceHistory = dict[str, list[tuple[datetime, PriceConfig]]]


def price_entries(entries: Iterable[UsageEntry]) -> None:
    """Set cost and rates of the entries from the prices in force at `started_at`; two queries, however many there are.

    Where no price was known then, the cost stays None.
    """
    wanted = list(entries)
    history = _price_history({entry.model for entry in wanted})
    for entry in wanted:
        price = _in_force(history, entry.model, entry.started_at)
        found = break_down(Usage(*(getattr(entry, meter) for meter in METERS)), price)
        if found is not None:
            entry.cost_usd = found.total_usd
            entry.rates = {name: format(rate.normalize(), "f") for name, rate in found.rates.items()}


def latest_prices(names: Iterable[str]) -> dict[str, PriceConfig]:
    """The newest price of each model that has one, whenever it holds from; two queries."""
    return {name: prices[0][1] for name, prices in _price_history(set(names)).items()}


def _price_history(names: set[str]) -> PriceHistory:
    models = {model.pk: name for name, model in find_models(names).items()}
    history: PriceHistory = {}
    for price in Price.objects.filter(model_id__in=models).order_by("-effective_from"):
        history.setdefault(models[price.model_id], []).append((price.effective_from, _config_of(price)))
    return history


def _in_force(history: PriceHistory, model: str, moment: datetime) -> PriceConfig | None:
    return next((price for since, price in history.get(model, ()) if since <= moment), None)


def _config_of(price: Price) -> PriceConfig:
    return PriceConfig(
        **{name: getattr(price, name) for name in PRICE_FIELDS},
        tiers=tuple(_tier_of(tier) for tier in price.tiers),
    )


def _tier_of(tier: dict[str, object]) -> PriceTier:
    rates = {name: Decimal(str(tier[name])) for name in PRICE_FIELDS if tier.get(name) is not None}
    return PriceTier(above_input_tokens=int(str(tier["above_input_tokens"])), **rates)
