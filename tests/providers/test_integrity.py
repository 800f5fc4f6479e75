"""A config in which a name leads nowhere or a number can't be is refused, with a sentence for each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from providers import LLMConfig, LLMModelConfig
from providers.config import PriceConfig
from providers.fields import ConfigError

SOUND: dict[str, Any] = {
    "providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
    "models": [{"name": "small", "provider": "lab"}],
    "aliases": {"fast": "lab/small"},
}


def complaints(**changes: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        LLMConfig(**{**SOUND, **changes})
    return caught.value.fields


def test_the_sound_config_is_sound():
    assert LLMConfig(**SOUND).aliases["fast"].targets[0].model == "lab/small"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"models": [{"name": "small", "provider": "lab"}, {"name": "m", "provider": "nowhere"}]},
            {"models.nowhere/m.provider": "There is no provider 'nowhere'; add it first."}, id="a model's provider",
        ),
        pytest.param(
            {"agents": {"coder": {"alias": "slow"}}},
            {"agents.coder.alias": "There is no alias 'slow'; add it first."}, id="an agent's alias",
        ),
        pytest.param(
            {"aliases": {"fast": "lab/small", "quick": "fast"}},
            {"aliases.quick.targets[0].model": "'fast' is itself an alias; a target is always a model (provider/name)."},
            id="an alias of an alias",
        ),
        pytest.param(
            {"aliases": {"fast": "other/m"}},
            {"aliases.fast.targets[0].model": "There is no model 'other/m', nor a provider of that name."},
            id="a target at no provider",
        ),
        pytest.param(
            {"aliases": {"fast": "lab/large"}},
            {"aliases.fast.targets[0].model": "There is no model 'lab/large'; add it to the provider first."},
            id="a target that is no model",
        ),
        pytest.param(
            {"aliases": {"fast": {"targets": [{"model": "lab/small", "weight": 0}]}}},
            {"aliases.fast.targets": "At least one weight must be above 0."}, id="weights of nothing",
        ),
        pytest.param(
            {"default_model": "large"}, {"default_model": None}, id="a default that leads nowhere",
        ),
    ],
)  # fmt: skip
def test_each_name_that_leads_nowhere_is_told(changes: dict[str, Any], expected: dict[str, str | None]):
    found = complaints(**changes)

    assert found.keys() == expected.keys()
    assert all(sentence is None or found[path] == sentence for path, sentence in expected.items())


def test_a_strategy_that_nobody_knows_is_told_with_those_that_there_are():
    found = complaints(aliases={"fast": {"targets": ["lab/small"], "strategy": "luck"}})

    assert found["aliases.fast.strategy"].startswith("There is no strategy 'luck'; use one of ")
    assert "priority" in found["aliases.fast.strategy"]


def test_objects_made_in_code_are_checked_as_what_is_read():
    price = PriceConfig(input_usd_per_mtok=Decimal(-1))

    found = complaints(models=[LLMModelConfig(name="small", provider="lab", price=price)])

    assert found == {
        "models.lab/small.price.input_usd_per_mtok": "A price can't be negative (-1); enter 0 for what is free."
    }
