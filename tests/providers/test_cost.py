from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.config import PRICE_FIELDS, LLMConfig, LLMModelConfig, PriceConfig, PriceTier
from providers.cost import CostCalculator, break_down, price_usage, settle_price
from providers.llm_config import set_current_config
from providers.types import METERS, Usage

SONNET = PriceConfig(Decimal(3), Decimal("0.3"), Decimal("3.75"), Decimal(15))
AMOUNTS = st.decimals(min_value=0, max_value=10_000, places=6, allow_nan=False, allow_infinity=False)
TOKENS = st.integers(0, 10**9)
PRICES = st.builds(PriceConfig, **{name: st.none() | AMOUNTS for name in PRICE_FIELDS})
USAGES = st.builds(Usage, **dict.fromkeys(METERS, TOKENS))


def test_g2_each_meter_is_priced_once_at_its_own_price():
    usage = Usage(input_tokens=1_000, cached_input_tokens=2_000, cache_write_tokens=400, output_tokens=100)

    assert price_usage(usage, SONNET) == Decimal("0.003") + Decimal("0.0006") + Decimal("0.0015") + Decimal("0.0015")


def test_g1_an_unknown_price_gives_none_and_never_zero():
    assert price_usage(Usage(input_tokens=10), None) is None
    assert price_usage(Usage(), PriceConfig()) is None
    assert price_usage(Usage(output_tokens=1), PriceConfig(input_usd_per_mtok=Decimal(1))) is None


def test_g1_an_explicit_price_of_zero_is_zero():
    free = PriceConfig(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))

    assert price_usage(Usage(input_tokens=10, output_tokens=10), free) == 0


def test_a_meter_that_was_not_used_needs_no_price():
    embedding = PriceConfig(input_usd_per_mtok=Decimal("0.02"))

    assert price_usage(Usage(input_tokens=1_000_000), embedding) == Decimal("0.02")


def test_meters_without_a_price_of_their_own_cost_what_they_are_a_kind_of():
    plain = PriceConfig(input_usd_per_mtok=Decimal(2), output_usd_per_mtok=Decimal(8))
    million = 1_000_000

    found = break_down(Usage(0, million, million, 0, million), plain)

    assert found is not None
    assert {
        meter: found.by_meter[meter] for meter in ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
    } == {
        "cached_input_tokens": 2,
        "cache_write_tokens": 2,
        "reasoning_tokens": 8,
    }


def test_a_long_prompt_is_priced_at_its_tier_for_all_of_its_tokens():
    price = PriceConfig(
        Decimal("1.25"),
        Decimal("0.125"),
        None,
        Decimal(10),
        tiers=(PriceTier(200_000, Decimal("2.5"), output_usd_per_mtok=Decimal(15)),),
    )

    at_the_border = price_usage(Usage(input_tokens=200_000, output_tokens=1_000), price)
    above = price_usage(Usage(input_tokens=150_001, cached_input_tokens=50_000, output_tokens=1_000), price)

    assert at_the_border == Decimal("0.26")
    assert above == Decimal("0.3750025") + Decimal("0.00625") + Decimal("0.015")


def test_costs_have_twelve_places():
    one_token = price_usage(Usage(input_tokens=1), PriceConfig(input_usd_per_mtok=Decimal("0.0000015")))

    assert one_token == Decimal("0.000000000002")
    assert one_token.as_tuple().exponent == -12


@given(usage=USAGES, price=PRICES)
def test_a_cost_is_unknown_or_the_sum_of_its_meters_and_never_negative(usage, price):
    found = break_down(usage, price)

    if found is not None:
        assert found.total_usd == sum(found.by_meter.values())
        assert all(cost >= 0 for cost in found.by_meter.values())


@given(usage=USAGES, price=PRICES)
def test_the_cost_of_a_call_is_the_sum_of_the_costs_of_its_meters_alone(usage, price):
    alone = [price_usage(Usage(**{meter: getattr(usage, meter)}), price) for meter in METERS]

    whole = price_usage(usage, price)

    assert whole == (None if None in alone else sum(alone))


@given(usage=USAGES, price=PRICES)
def test_the_quick_way_to_a_cost_agrees_with_the_thorough_one(usage, price):
    thorough = break_down(usage, price)

    quick = settle_price(usage, price)

    if thorough is None:
        assert quick is None
    else:
        rates = {name: format(rate, "f") for name, rate in thorough.rates.items()}
        assert quick == (thorough.total_usd, rates)
        assert quick[0].as_tuple().exponent == -12


def test_the_quick_way_to_a_cost_knows_tiers_and_prices_with_many_places():
    tiered = PriceConfig(Decimal("1.25"), tiers=(PriceTier(200_000, Decimal("2.5")),))
    fine = PriceConfig(Decimal("0.0000015"))

    below, above = (settle_price(Usage(input_tokens=tokens), tiered) for tokens in (200_000, 200_001))
    smallest = settle_price(Usage(input_tokens=1), fine)

    assert below == (Decimal("0.25"), dict.fromkeys(("input_usd_per_mtok", *_KINDS_OF_INPUT), "1.25"))
    assert above is not None
    assert above[0] == Decimal("0.5000025")
    assert smallest is not None
    assert smallest[0] == Decimal("0.000000000002")


_KINDS_OF_INPUT = ("cached_input_usd_per_mtok", "cache_write_usd_per_mtok")


def test_the_calculator_looks_prices_up_by_name():
    calculator = CostCalculator({"anthropic/sonnet": SONNET}.get)

    assert calculator.calculate_cost(Usage(input_tokens=1_000_000), "anthropic/sonnet") == 3
    assert calculator.estimate_cost(1_000, 1_000, "anthropic/sonnet") == Decimal("0.018")
    assert calculator.estimate_cost(1_000, 1_000, "unknown") is None
    breakdown = calculator.get_cost_breakdown(Usage(output_tokens=10), "anthropic/sonnet")
    assert breakdown is not None
    assert breakdown.rates["output_usd_per_mtok"] == 15


def test_the_calculator_prices_what_a_config_names():
    model = LLMModelConfig(name="sonnet", provider="anthropic", price=SONNET)
    config = LLMConfig(providers={"anthropic": {}}, models=[model], aliases={"smart": "anthropic/sonnet"})

    calculator = CostCalculator(config)

    for name in ("anthropic/sonnet", "smart", "sonnet"):
        assert calculator.calculate_cost(Usage(input_tokens=1_000_000), name) == 3
    assert calculator.calculate_cost(Usage(input_tokens=1), "nobody") is None


def test_the_calculator_alone_takes_the_own_config_first_and_list_prices_after_it(own_config):
    own = LLMModelConfig(name="gpt-4.1-mini", provider="openai", price=PriceConfig(Decimal(7)))
    calculator = CostCalculator()
    usage = Usage(input_tokens=1_000_000)

    own_config(LLMConfig())
    listed = calculator.calculate_cost(usage, "openai/gpt-4.1-mini")
    own_config(LLMConfig(providers={"openai": {}}, models=[own]))
    agreed = calculator.calculate_cost(usage, "openai/gpt-4.1-mini")

    assert listed == Decimal("0.4")
    assert agreed == 7
    assert calculator.calculate_cost(usage, "openai/no-such-model") is None
    assert calculator.calculate_cost(usage, "no-such-folder/model") is None


@pytest.fixture
def own_config() -> Iterator[Callable[[LLMConfig | None], None]]:
    yield set_current_config
    set_current_config(None)
