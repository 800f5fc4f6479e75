"""How an alias resolves now: each target in the order in which it is tried, what stands in its way, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from llmadmin.catalog.models import LanguageModel, Price
from llmadmin.console.health import ProviderHealth, providers_health
from llmadmin.console.models.rows import current_prices
from llmadmin.routing.models import Alias, Strategy, Target

_UNUSABLE = ("no key", "disabled")


@dataclass(frozen=True, slots=True)
class Step:
    """One target. `role` is `answers`, `fallback` or `skipped`; `why` says it in words."""

    model: LanguageModel
    price: Price | None
    health: ProviderHealth | None
    role: str
    why: str
    share: float | None
    """Of the calls, where they are shared out by weight."""
    params: dict[str, Any]


def steps_of(alias: Alias, *, down: Collection[str] = ()) -> list[Step]:
    """The steps, with the providers in `down` taken for unreachable."""
    health = {one.slug: one for one in providers_health()}
    targets = list(alias.targets.all())
    prices = current_prices(target.model for target in targets)
    obstacles = {target.pk: _obstacle(target, health, down) for target in targets}
    order = _in_order(alias, [one for one in targets if not obstacles[one.pk]], prices)
    usable_weight = sum(target.weight for target in order)
    steps = []
    for place, target in enumerate([*order, *(one for one in targets if obstacles[one.pk])]):
        obstacle = obstacles[target.pk]
        role = "skipped" if obstacle else "answers" if place == 0 or _shares_calls(alias) else "fallback"
        share = (
            target.weight / usable_weight
            if alias.strategy == Strategy.WEIGHTED and not obstacle and usable_weight
            else None
        )
        steps.append(
            Step(
                model=target.model,
                price=prices.get(target.model_id),
                health=health.get(target.model.provider.slug),
                role=role,
                why=obstacle or _why(alias, place, len(order), share),
                share=share,
                params={**target.model.parameters, **alias.params, **target.params},
            )
        )
    return steps


def _obstacle(target: Target, health: dict[str, ProviderHealth], down: Collection[str]) -> str:
    provider = target.model.provider
    if provider.slug in down:
        return f"What if: {provider.title} is down."
    if not target.model.enabled:
        return "The model is switched off."
    found = health.get(provider.slug)
    return f"{provider.title}: {found.reason}" if found and found.state in _UNUSABLE else ""


def _in_order(alias: Alias, targets: list[Target], prices: dict[Any, Price]) -> list[Target]:
    if alias.strategy == Strategy.CHEAPEST:
        return sorted(targets, key=lambda target: _cost(prices.get(target.model_id)))
    if alias.strategy == Strategy.WEIGHTED:
        return sorted(targets, key=lambda target: -target.weight)
    return targets


def _cost(price: Price | None) -> float:
    """An unpriced model counts as the dearest, since nobody knows."""
    rates = (
        []
        if price is None
        else [rate for rate in (price.input_usd_per_mtok, price.output_usd_per_mtok) if rate is not None]
    )
    return float(sum(rates)) if rates else float("inf")


def _shares_calls(alias: Alias) -> bool:
    return alias.strategy in (Strategy.WEIGHTED, Strategy.ROUND_ROBIN, Strategy.LEAST_LATENCY)


def _why(alias: Alias, place: int, count: int, share: float | None) -> str:
    if count == 1:
        return "The only target that can answer."
    match alias.strategy:
        case Strategy.WEIGHTED:
            return f"Takes {share or 0:.0%} of the calls, and stands in for the others."
        case Strategy.ROUND_ROBIN:
            return "Takes its turn with the others."
        case Strategy.LEAST_LATENCY:
            return "Answers when it was the fastest lately."
        case Strategy.CHEAPEST:
            return "The cheapest that can answer." if place == 0 else "Dearer; asked when those before it fail."
    return "First choice." if place == 0 else f"Fallback {place}, asked when those before it fail."
