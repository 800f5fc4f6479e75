"""Providers with what their pages show beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.safestring import SafeString

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import providers
from llmadmin.console.figures import Figures, Trends, figures_by
from llmadmin.console.health import ProviderHealth, providers_health
from llmadmin.console.models.rows import current_prices
from llmadmin.vault.models import KeyState


@dataclass(frozen=True, slots=True)
class ProviderRow:
    provider: Provider
    health: ProviderHealth
    day: Figures | None
    week: Figures | None
    trend: SafeString


def provider_rows() -> list[ProviderRow]:
    """Every provider with its state, keys, models and figures, in a fixed number of queries."""
    usable = Q(api_keys__state__in=(KeyState.ACTIVE, KeyState.DRAINING))
    found = providers().annotate(
        key_count=Count("api_keys", filter=usable, distinct=True), model_count=Count("models", distinct=True)
    )
    health = {one.slug: one for one in providers_health()}
    day, week = figures_by("provider", days=1), figures_by("provider", days=7)
    trends = Trends("provider")
    return [
        ProviderRow(one, health[one.slug], day.get(one.slug), week.get(one.slug), trends.line_of(one.slug))
        for one in found
        if one.slug in health
    ]


def with_prices(models: Iterable[LanguageModel]) -> list[tuple[LanguageModel, Price | None]]:
    rows = list(models)
    prices = current_prices(rows)
    return [(row, prices.get(row.pk)) for row in rows]
