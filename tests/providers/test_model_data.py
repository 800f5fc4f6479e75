"""What every `models.toml` must keep to, whatever it says of a model."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any, get_args

import pytest

from providers.base.metadata import Capability
from providers.base.models import PRICE_METERS
from providers.registry import get_registry

FILES = [slug for slug in get_registry().slugs() if (get_registry().folder(slug).path / "models.toml").is_file()]
OF_A_MODEL = {"name", "also", "context_window", "max_output_tokens", "capabilities", "parameters", "prices"}
OF_A_PRICE = {"effective_from", "tiers", *PRICE_METERS}


@pytest.fixture(params=FILES)
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def models(slug: str) -> list[dict[str, Any]]:
    text = (get_registry().folder(slug).path / "models.toml").read_text(encoding="utf-8")
    return tomllib.loads(text).get("models", [])


def test_no_field_is_misspelt(models: list[dict[str, Any]]):
    prices = [price for model in models for price in model.get("prices", ())]
    tiers = [tier for price in prices for tier in price.get("tiers", ())]

    assert {field for model in models for field in model} <= OF_A_MODEL
    assert {field for price in prices for field in price} <= OF_A_PRICE
    assert {field for tier in tiers for field in tier} <= {"above_input_tokens", *PRICE_METERS}


def test_a_name_belongs_to_one_model(models: list[dict[str, Any]]):
    names = Counter(name for model in models for name in (model["name"], *model.get("also", ())))

    assert [name for name, count in names.items() if count > 1] == []


def test_capabilities_are_known_and_the_provider_passes_them_on(slug: str, models: list[dict[str, Any]]):
    offered = get_registry().metadata(slug).capabilities

    assert offered <= set(get_args(Capability))
    assert {
        model["name"]: set(model["capabilities"]) - offered for model in models if set(model["capabilities"]) - offered
    } == {}


def test_an_answer_fits_into_the_window(models: list[dict[str, Any]]):
    too_long = [
        model["name"]
        for model in models
        if model.get("max_output_tokens", 0) > model.get("context_window", float("inf"))
    ]

    assert too_long == []


def test_prices_have_days_of_their_own_and_tiers_that_rise_and_cost_no_less(models: list[dict[str, Any]]):
    for model in models:
        days = [price["effective_from"] for price in model.get("prices", ())]
        assert days == sorted(set(days)), model["name"]
        for price in model.get("prices", ()):
            steps = [tier["above_input_tokens"] for tier in price.get("tiers", ())]
            assert steps == sorted(set(steps)), model["name"]
            for tier in price.get("tiers", ()):
                meters = set(tier) - {"above_input_tokens"}
                assert {"input_usd_per_mtok", "output_usd_per_mtok"} <= meters <= set(price), model["name"]
                assert all(float(tier[meter]) >= float(price[meter]) for meter in meters), model["name"]
