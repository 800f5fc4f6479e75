"""Model metadata as data, parameter rules, and `BaseLLM`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from providers import BaseLLM, ChatRequest, LLMProviderInvalidRequestError, ModelMetadata, create_llm, create_provider
from providers.base.models import load_models
from providers.base.parameters import ParameterRules
from tests.providers.upstream import Upstream

PONG = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}
TOML = """
[[families]]
prefixes = ["o"]
unless = ["o1-chat"]
parameters = {rename = {max_tokens = "max_completion_tokens"}}

[[models]]
name = "o1"
also = ["o1-alias"]
context_window = 1000
max_output_tokens = 100
capabilities = ["chat"]
parameters = {fixed = {temperature = 1}, refused = ["top_p"]}
[[models.prices]]
effective_from = 2025-01-01
input_usd_per_mtok = "10"
[[models.prices]]
effective_from = 2025-06-10
input_usd_per_mtok = "2"
output_usd_per_mtok = "8"
tiers = [{above_input_tokens = 500, input_usd_per_mtok = "4"}]
"""


@pytest.fixture
def catalogue(tmp_path: Path):
    (tmp_path / "models.toml").write_text(TOML, encoding="utf-8")
    return load_models(tmp_path)


@pytest.mark.parametrize("name", ["o1", "o1-alias", "o1-2025-01-31", "o1-20250131", "o1-latest"])
def test_a_model_is_found_by_its_other_names_too(catalogue, name: str):
    assert catalogue.find(name).name == "o1"


def test_a_name_that_only_begins_alike_is_another_model(catalogue):
    assert catalogue.find("o1-mini") is None


def test_the_price_is_that_of_the_day(catalogue):
    entry = catalogue.find("o1")

    assert entry.price_on(date(2024, 12, 31)) is None
    assert entry.price_on(date(2025, 6, 9)).input_usd_per_mtok == Decimal(10)
    assert entry.price_on(date(2025, 6, 10)).output_usd_per_mtok == Decimal(8)
    assert entry.price_on(date(2026, 1, 1)).tiers[0]["input_usd_per_mtok"] == Decimal(4)


def test_rules_of_the_family_and_of_the_model_add_up(catalogue):
    rename = {"max_tokens": "max_completion_tokens"}

    assert catalogue.rules_for("o9-new") == ParameterRules(rename=rename)
    assert catalogue.rules_for("o1-chat") == ParameterRules()
    assert catalogue.rules_for("o1") == ParameterRules(
        rename=rename, fixed={"temperature": 1}, refused=frozenset({"top_p"})
    )


def test_rules_rename_fix_drop_and_refuse():
    rules = ParameterRules(
        rename={"max_tokens": "limit"},
        fixed={"temperature": 1},
        refused=frozenset({"top_p"}),
        dropped=frozenset({"user"}),
    )

    assert rules.apply({"max_tokens": 5, "temperature": 0.2, "user": "u", "seed": 1}) == {
        "limit": 5,
        "temperature": 1,
        "seed": 1,
    }
    with pytest.raises(LLMProviderInvalidRequestError, match="top_p"):
        rules.apply({"top_p": 0.5})


async def test_a_reasoning_model_is_called_by_its_rules(upstream: Upstream):
    upstream.answer(200, PONG)
    request = ChatRequest(model="gpt-5-mini", messages=[], max_tokens=9, temperature=0.2)

    async with create_provider("openai", api_key="k", base_url=upstream.base_url) as provider:
        await provider.chat_completion(request)
        with pytest.raises(LLMProviderInvalidRequestError, match="presence_penalty"):
            await provider.chat_completion(ChatRequest(model="o3", messages=[], presence_penalty=1))

    assert upstream.seen[0].json == {
        "model": "gpt-5-mini",
        "messages": [],
        "max_completion_tokens": 9,
        "temperature": 1,
    }
    assert len(upstream.seen) == 1


async def test_openrouter_sends_attribution_and_preferences(upstream: Upstream):
    upstream.answer(200, PONG)
    preferences = {"order": ["a"]}
    options = {"site_url": "https://app.test", "site_name": "App", "provider": preferences}

    async with create_provider("openrouter", api_key="k", base_url=upstream.base_url, **options) as provider:
        await provider.chat_completion(ChatRequest(model="m", messages=[]))
        await provider.chat_completion(ChatRequest(model="m", messages=[], extra={"provider": {"order": ["b"]}}))

    assert upstream.seen[0].headers["http-referer"] == "https://app.test"
    assert upstream.seen[0].headers["x-openrouter-title"] == "App"
    assert [seen.json["provider"] for seen in upstream.seen] == [preferences, {"order": ["b"]}]


# ModelMetadata and BaseLLM


class TinyMetadata(ModelMetadata):
    NAME = "tiny"
    MAX_TOKENS = 100
    SUPPORTED_PARAMS: ClassVar[frozenset[str]] = frozenset({"max_tokens", "temperature"})


class TinyLLM(BaseLLM):
    """Calls the limit by the name that its vendor uses."""

    def _transform_parameters(self, params: dict[str, Any]) -> dict[str, Any]:
        ready = dict(params)
        if "max_tokens" in ready:
            ready["max_completion_tokens"] = ready.pop("max_tokens")
        return ready


@pytest.mark.parametrize("params", [{"top_k": 1}, {"max_tokens": 101}, {"max_tokens": 0}, {"max_tokens": "many"}])
def test_parameters_that_a_model_does_not_take_are_named(params: dict[str, Any]):
    with pytest.raises(LLMProviderInvalidRequestError, match=next(iter(params))):
        TinyMetadata.validate_params(params)


async def test_a_model_of_its_own_class_transforms_its_parameters(upstream: Upstream):
    upstream.answer(200, PONG)
    provider = create_provider("local", base_url=upstream.base_url)
    llm = TinyLLM(provider.connector, TinyMetadata)

    answer = await llm.get_answer([{"role": "user", "content": "Hi"}], {"team": "lab"}, max_tokens=5)

    await llm.provider.shutdown()
    assert answer.text == str(answer) == "pong"
    assert upstream.seen[0].json == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 5,
    }


async def test_pictures_are_sent_as_addresses_or_data(upstream: Upstream):
    upstream.answer(200, PONG)
    llm = create_llm("local/m", base_url=upstream.base_url)

    await llm.generate_with_vision(
        "What?", ["https://a.test/b.png", b"\xff\xd8\xff"], context={"headers": {"x-team": "lab"}}, max_tokens=5
    )

    await llm.provider.shutdown()
    content = upstream.seen[0].json["messages"][0]["content"]
    assert [part.get("text") or part["image_url"]["url"] for part in content] == [
        "What?",
        "https://a.test/b.png",
        "data:image/jpeg;base64,/9j/",
    ]
    assert upstream.seen[0].headers["x-team"] == "lab"


def test_a_listed_model_knows_its_limits_and_costs():
    metadata = create_llm("openai/gpt-4o-mini", api_key="k").metadata

    assert (
        "gpt-4o-mini",
        128_000,
        Decimal("0.00015"),
    ) == (metadata.NAME, metadata.CONTEXT_WINDOW, metadata.COST_PER_1K_INPUT)
