"""Whether a config holds together: every name leads somewhere, every number can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from providers.entries import AFTER_SUNSET, PRICE_FIELDS, AliasConfig, PriceConfig
from providers.fields import Problems
from providers.resolution import UnknownNameError
from providers.strategies import strategy_names

if TYPE_CHECKING:
    from providers.config import LLMConfig

LARGEST_SHARE_PERCENT = 99


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
        _check_model(config, target.model, f"{path}.targets[{index}].model", problems)
    _check_retirement(config, alias, problems)
    if alias.canary is not None:
        _check_model(config, alias.canary.model, f"{path}.canary.model", problems)
        if alias.canary.share_percent > LARGEST_SHARE_PERCENT:
            sentence = f"At most {LARGEST_SHARE_PERCENT} of a hundred calls; promote the canary to send it all of them."
            problems.add(f"{path}.canary.share_percent", sentence)
    _check_weights(f"{path}.targets", (target.weight for target in alias.targets), problems)
    if problems.is_strict and alias.strategy not in strategy_names():
        known = ", ".join(strategy_names())
        problems.add(f"{path}.strategy", f"There is no strategy '{alias.strategy}'; use one of {known}.")
    if alias.cache_ttl_s < 0:
        problems.add(f"{path}.cache_ttl_s", "Must be 0 (no cache) or a number of seconds.")


def _check_model(config: LLMConfig, model: str, path: str, problems: Problems) -> None:
    if model in config.models or not model:
        return
    if model in config.aliases:
        problems.add(path, f"'{model}' is itself an alias; a target is always a model (provider/name).")
    elif model.partition("/")[0] not in config.providers:
        problems.add(path, f"There is no model '{model}', nor a provider of that name.")
    else:
        problems.add(path, f"There is no model '{model}'; add it to the provider first.")


def _check_retirement(config: LLMConfig, alias: AliasConfig, problems: Problems) -> None:
    """Only where people write: a published document leaves out what its reader may not call, replacements included."""
    if not problems.is_strict:
        return
    path = f"aliases.{alias.name}"
    if alias.replacement == alias.name:
        problems.add(f"{path}.replacement", "An alias can't replace itself; name another one.")
    elif alias.replacement is not None and alias.replacement not in config.aliases:
        problems.add(f"{path}.replacement", f"There is no alias '{alias.replacement}'; name one that is there.")
    if alias.after_sunset not in AFTER_SUNSET:
        problems.add(f"{path}.after_sunset", f"Must be one of {', '.join(AFTER_SUNSET)}.")


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
