"""Reads a provider folder's `models.toml`: what is known of each model, with dated list prices.

```toml
[[models]]
name = "…"
also = ["…"]                     # other names of the same model
context_window = 128000
max_output_tokens = 16384
capabilities = ["chat", "tools"]
parameters = {fixed = {temperature = 1}}
[[models.prices]]
effective_from = 2026-01-01
input_usd_per_mtok = "2.5"

[[families]]                     # holds for models that are not listed, by the beginning of their name
prefixes = ["o3"]
unless = ["o3-x"]
parameters = {rename = {max_tokens = "max_completion_tokens"}}
```
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from providers.base.metadata import ModelMetadata
from providers.base.parameters import ParameterRules

PRICE_METERS = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
    "reasoning_usd_per_mtok",
)
_DATED = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|latest))$")
_MILLION_PER_THOUSAND = 1000
MAX_REMEMBERED_NAMES = 1000


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What the vendor charges from a day on, in USD per million tokens. None where it isn't sold apart.

    `tiers` are the same fields for calls whose input is above `above_input_tokens`.
    """

    effective_from: date
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    reasoning_usd_per_mtok: Decimal | None = None
    tiers: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of `models.toml`."""

    name: str
    also: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    parameters: ParameterRules = field(default_factory=ParameterRules)
    prices: tuple[ListPrice, ...] = ()

    def price_on(self, day: date) -> ListPrice | None:
        """The list price that holds on `day`, or None when none is known."""
        held = [price for price in self.prices if price.effective_from <= day]
        return max(held, key=lambda price: price.effective_from, default=None)


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share rules, by the beginning of their names."""

    prefixes: tuple[str, ...]
    unless: tuple[str, ...]
    parameters: ParameterRules

    def holds(self, name: str) -> bool:
        return name.startswith(self.prefixes) and not name.startswith(self.unless)


class ModelCatalogue:
    """The models of one provider folder, by name."""

    def __init__(self, models: Iterable[ModelEntry] = (), families: Iterable[Family] = ()) -> None:
        self.models: dict[str, ModelEntry] = {entry.name: entry for entry in models}
        self._families = tuple(families)
        self._by_any_name = {name: entry for entry in self.models.values() for name in entry.also} | self.models
        self._rules: dict[str, ParameterRules] = {}

    def find(self, name: str) -> ModelEntry | None:
        """The entry of `name`, or of the same name without its date (`gpt-4o-2024-08-06` → `gpt-4o`)."""
        return self._by_any_name.get(name) or self._by_any_name.get(_DATED.sub("", name))

    def rules_for(self, name: str) -> ParameterRules:
        """The parameter rules of `name`: those of its families, then its own."""
        rules = self._rules.get(name)
        if rules is None:
            rules = ParameterRules()
            for family in self._families:
                if family.holds(name):
                    rules = rules | family.parameters
            entry = self.find(name)
            rules = rules | entry.parameters if entry else rules
            if len(self._rules) < MAX_REMEMBERED_NAMES:
                self._rules[name] = rules
        return rules


@lru_cache(maxsize=64)
def load_models(folder: Path) -> ModelCatalogue:
    """Read `models.toml` of a provider folder once; a folder without one knows no models."""
    path = folder / "models.toml"
    if not path.is_file():
        return ModelCatalogue()
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return ModelCatalogue(
        (_read_model(entry) for entry in data.get("models", ())),
        (_read_family(family) for family in data.get("families", ())),
    )


def _read_family(data: Mapping[str, Any]) -> Family:
    return Family(
        tuple(data["prefixes"]), tuple(data.get("unless", ())), ParameterRules.from_dict(data.get("parameters", {}))
    )


def _read_model(data: Mapping[str, Any]) -> ModelEntry:
    return ModelEntry(
        name=data["name"],
        also=tuple(data.get("also", ())),
        context_window=data.get("context_window"),
        max_output_tokens=data.get("max_output_tokens"),
        capabilities=frozenset(data.get("capabilities", ())),
        parameters=ParameterRules.from_dict(data.get("parameters", {})),
        prices=tuple(_read_price(price) for price in data.get("prices", ())),
    )


def _read_price(data: Mapping[str, Any]) -> ListPrice:
    meters = {meter: Decimal(data[meter]) for meter in PRICE_METERS if meter in data}
    tiers = tuple(
        {name: Decimal(value) if name in PRICE_METERS else value for name, value in tier.items()}
        for tier in data.get("tiers", ())
    )
    return ListPrice(effective_from=data["effective_from"], tiers=tiers, **meters)


def metadata_class_for(entry: ModelEntry, *, day: date) -> type[ModelMetadata]:
    """A `ModelMetadata` class with what `entry` says, priced as on `day`."""
    price = entry.price_on(day)
    return type(
        "ListedModelMetadata",
        (ModelMetadata,),
        {
            "NAME": entry.name,
            "MAX_TOKENS": entry.max_output_tokens,
            "CONTEXT_WINDOW": entry.context_window,
            "PARAMETERS": entry.parameters,
            "COST_PER_1K_INPUT": _per_thousand(price.input_usd_per_mtok if price else None),
            "COST_PER_1K_OUTPUT": _per_thousand(price.output_usd_per_mtok if price else None),
        },
    )


def _per_thousand(usd_per_mtok: Decimal | None) -> Decimal | None:
    return None if usd_per_mtok is None else usd_per_mtok / _MILLION_PER_THOUSAND
