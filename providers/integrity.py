"""Whether a config holds together: every name leads somewhere, every number can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from providers.entries import PRICE_FIELDS, AliasConfig, PriceConfig
from providers.fields import Problems
from providers.resolution import UnknownNameError
from providers.strategies import strategy_names

if TYPE_CHECKING:
    from providers.config import LLMConfig


def check(config: LLMConfig, *, problems: Problems) -> None:
    """Note every name that leads nowhere and every number that can't be."""
    for provider in config.providers.values():
        _check_weights(f"providers.{provider.name}.keys", (key.weight for key in provider.keys), problems)
    for model in config.models.values():
        if model.provider and model.provider not in config.providers:
            problems.add(f"models.{model.key}.provider", f"There is no provider '{model.provider}'; add it first.")
        _check_price(f"models.{model.key}.price", model.price, problems)
    for alias in config.aliases.values():
        _check_alias(config, alias, problems)
    for agent in config.agents.values():
        if agent.alias and agent.alias not in config.aliases:
            problems.add(f"agents.{agent.name}.alias", f"There is no alias '{agent.alias}'; add it first.")
    if config.default_model is not None and not problems.fields:
        try:
            config.resolve(config.default_model)
        except UnknownNameError as unknown:
            problems.add("default_model", str(unknown))


def _check_alias(config: LLMConfig, alias: AliasConfig, problems: Problems) -> None:
    path = f"aliases.{alias.name}"
    for index, target in enumerate(alias.targets):
        where = f"{path}.targets[{index}]"
        if target.model in config.models or not target.model:
            pass
        elif target.model in config.aliases:
            problems.add(
                f"{where}.model", f"'{target.model}' is itself an alias; a target is always a model (provider/name)."
            )
        elif target.model.partition("/")[0] not in config.providers:
            problems.add(f"{where}.model", f"There is no model '{target.model}', nor a provider of that name.")
        else:
            problems.add(f"{where}.model", f"There is no model '{target.model}'; add it to the provider first.")
    _check_weights(f"{path}.targets", (target.weight for target in alias.targets), problems)
    if problems.is_strict and alias.strategy not in strategy_names():
        known = ", ".join(strategy_names())
        problems.add(f"{path}.strategy", f"There is no strategy '{alias.strategy}'; use one of {known}.")
    if alias.cache_ttl_s < 0:
        problems.add(f"{path}.cache_ttl_s", "Must be 0 (no cache) or a number of seconds.")


def _check_weights(path: str, weights: Iterable[int], problems: Problems) -> None:
    given = list(weights)
    if any(isinstance(weight, bool) or not isinstance(weight, int) or weight < 0 for weight in given):
        problems.add(path, "Weights are whole numbers of 0 or more.")
    elif given and not sum(given):
        problems.add(path, "At least one weight must be above 0.")


def _check_price(path: str, price: PriceConfig | None, problems: Problems) -> None:
    if price is None:
        return
    for rates in (price, *price.tiers):
        for name in PRICE_FIELDS:
            value = getattr(rates, name)
            if value is not None and value < 0:
                problems.add(f"{path}.{name}", f"A price can't be negative ({value}); enter 0 for what is free.")
