"""What a call costs: token meters times prices, in USD with 12 decimal places.

An unknown price gives None and never 0; a price of 0 that somebody entered is 0. The meters are disjoint, so each is
priced once. A meter without a price of its own costs what it is a kind of: cached input and cache writes cost input,
reasoning costs output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from providers.entries import PRICE_FIELDS, PriceConfig
from providers.types import METERS, Usage

if TYPE_CHECKING:
    from providers.config import LLMConfig

PriceSource: TypeAlias = Callable[[str], PriceConfig | None]

USD_QUANTUM = Decimal("0.000000000001")
_MILLION = Decimal(1_000_000)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)

_read_meters = attrgetter(*METERS)
_METER_BY_PRICE = dict(zip(PRICE_FIELDS, METERS, strict=True))
_FALLBACK_BY_PRICE = {
    "cached_input_usd_per_mtok": "input_usd_per_mtok",
    "cache_write_usd_per_mtok": "input_usd_per_mtok",
    "reasoning_usd_per_mtok": "output_usd_per_mtok",
}


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """What each meter adds to a call's cost, and the rates that were used. `total_usd` is the sum of `by_meter`."""

    total_usd: Decimal
    by_meter: Mapping[str, Decimal]
    rates: Mapping[str, Decimal]


def rates_for(price: PriceConfig, total_input_tokens: int) -> dict[str, Decimal | None]:
    """The price of each meter for a call with that much input: the highest tier reached, then the fallbacks."""
    rates: dict[str, Decimal | None] = {name: getattr(price, name) for name in PRICE_FIELDS}
    for tier in price.tiers:
        if total_input_tokens > tier.above_input_tokens:
            rates |= {name: value for name in PRICE_FIELDS if (value := getattr(tier, name)) is not None}
    for name, fallback in _FALLBACK_BY_PRICE.items():
        if rates[name] is None:
            rates[name] = rates[fallback]
    return rates


@lru_cache(maxsize=4096)
def _scale_of(price: PriceConfig, total_input_tokens: int) -> tuple[dict[str, str], tuple[int | None, ...]] | None:
    """The known rates at that much input as text, and each meter's rate as whole 10⁻¹² USD a token.

    None where a rate has more than six decimal places, so that a token's price is no whole number of that unit.
    """
    rates = rates_for(price, total_input_tokens)
    units = [None if rate is None else rate * _MILLION for rate in rates.values()]
    if any(unit is not None and unit != int(unit) for unit in units):
        return None
    return _texts(rates), tuple(None if unit is None else int(unit) for unit in units)


def settle_price(usage: Usage, price: PriceConfig | None) -> tuple[Decimal, dict[str, str]] | None:
    """The total of `break_down` and the text of its rates, in whole numbers where they do: for who prices every call.

    The rates are shared between calls: read them only.
    """
    if price is None:
        return None
    reached = 0
    if price.tiers:
        total_input_tokens = usage.total_input_tokens
        borders = [tier.above_input_tokens + 1 for tier in price.tiers if total_input_tokens > tier.above_input_tokens]
        reached = max(borders, default=0)
    scale = _scale_of(price, reached)
    if scale is None:
        found = break_down(usage, price)
        return None if found is None else (found.total_usd, _texts(found.rates))
    rates, units = scale
    total = 0
    for tokens, unit in zip(_read_meters(usage), units, strict=True):
        if unit is not None:
            total += tokens * unit
        elif tokens:
            return None
    return (Decimal(total).scaleb(-12, _EXACT), rates) if rates else None


def _texts(rates: Mapping[str, Decimal | None]) -> dict[str, str]:
    return {name: format(rate, "f") for name, rate in rates.items() if rate is not None}


def break_down(usage: Usage, price: PriceConfig | None) -> CostBreakdown | None:
    """The cost of each meter, or None where a meter that was used has no known price."""
    if price is None:
        return None
    rates = rates_for(price, usage.total_input_tokens)
    by_meter: dict[str, Decimal] = {}
    known: dict[str, Decimal] = {}
    for name, meter in _METER_BY_PRICE.items():
        tokens = getattr(usage, meter)
        rate = rates[name]
        if rate is not None:
            known[name] = rate
            by_meter[meter] = _cost(tokens, rate)
        elif tokens:
            return None
    if not known:
        return None
    return CostBreakdown(sum(by_meter.values(), Decimal(0)).quantize(USD_QUANTUM, context=_EXACT), by_meter, known)


def price_usage(usage: Usage, price: PriceConfig | None) -> Decimal | None:
    """What `usage` costs in USD, to 12 places, or None where the price is not known."""
    found = break_down(usage, price)
    return None if found is None else found.total_usd


def configured_price(config: LLMConfig, name: str) -> PriceConfig | None:
    """The price in `config` of the first target that `name` goes to, or None where there is none."""
    from providers.config import UnknownNameError

    try:
        targets = config.resolve(name).targets
    except UnknownNameError:
        return None
    model = config.models.get(targets[0].name) if targets else None
    return model.price if model else None


def _current_or_listed_price(name: str) -> PriceConfig | None:
    from providers.environment import listed_price
    from providers.llm_config import current_config

    provider, _, model = name.partition("/")
    return configured_price(current_config(), name) or listed_price(provider, model)


def _cost(tokens: int, usd_per_mtok: Decimal) -> Decimal:
    exact = _EXACT.divide(_EXACT.multiply(Decimal(tokens), usd_per_mtok), _MILLION)
    return exact.quantize(USD_QUANTUM, context=_EXACT)


class CostCalculator:
    """Costs by model name: `provider/name`, an alias, an agent or a bare name.

    `prices` is a config, or a function from a name to its price. Without it they are those of the process's own config,
    and for `provider/name` that it doesn't have, the vendor's list price of today.
    """

    def __init__(self, prices: LLMConfig | PriceSource | None = None) -> None:
        if prices is None:
            self._price_of: PriceSource = _current_or_listed_price
        elif callable(prices):
            self._price_of = prices
        else:
            self._price_of = partial(configured_price, prices)

    def calculate_cost(self, usage: Usage, model: str) -> Decimal | None:
        """What a finished call cost, or None where the price is not known."""
        return price_usage(usage, self._price_of(model))

    def estimate_cost(self, input_tokens: int, estimated_output_tokens: int, model: str) -> Decimal | None:
        """What a call is going to cost if it writes that much and nothing is cached."""
        return self.calculate_cost(Usage(input_tokens=input_tokens, output_tokens=estimated_output_tokens), model)

    def get_cost_breakdown(self, usage: Usage, model: str) -> CostBreakdown | None:
        """The cost by meter with the rates used, or None where the price is not known."""
        return break_down(usage, self._price_of(model))
