from __future__ import annotations

import pytest

from providers.config import LLMConfig, UnknownNameError

CONFIG = LLMConfig(
    default_model="fast",
    providers={
        "openai": {"base_url": "https://api.openai.com/v1"},
        "lab": {"kind": "local", "base_url": "http://lab/v1"},
    },
    models=[
        {"name": "gpt-4.1-mini", "provider": "openai", "max_tokens": 4096, "temperature": 0.7},
        {"name": "shared", "provider": "openai"},
        {"name": "shared", "provider": "lab"},
        {"name": "llama/lab", "provider": "lab", "api_url": "http://elsewhere/v1"},
    ],
    aliases={
        "fast": "openai/gpt-4.1-mini",
        "safe": {
            "targets": [{"model": "openai/gpt-4.1-mini", "params": {"top_p": 0.1, "seed": 1}}, "lab/llama/lab"],
            "params": {"temperature": 0.2, "top_p": 0.9},
            "cache_ttl_s": 5,
        },
        "split": {"strategy": "weighted", "targets": [{"model": "openai/shared", "weight": 3}, "lab/shared"]},
        "coder": "lab/shared",
        "empty": {"targets": []},
    },
    agents={
        "coder": {"alias": "safe", "params": {"max_tokens": 800, "seed": 2}, "headers": {"x-agent": "coder"}},
        "writer": "fast",
    },
)


def test_an_alias_gives_its_targets_in_order_with_parameters_merged_from_the_model_up():
    found = CONFIG.resolve("safe")

    assert (found.kind, found.alias, found.agent, found.strategy, found.cache_ttl_s) == (
        "alias",
        "safe",
        None,
        "priority",
        5,
    )
    assert [(t.name, t.provider, t.model, t.base_url) for t in found.targets] == [
        ("openai/gpt-4.1-mini", "openai", "gpt-4.1-mini", "https://api.openai.com/v1"),
        ("lab/llama/lab", "lab", "llama/lab", "http://elsewhere/v1"),
    ]
    assert found.targets[0].params == {"max_tokens": 4096, "temperature": 0.2, "top_p": 0.1, "seed": 1}
    assert found.targets[1].params == {"temperature": 0.2, "top_p": 0.9}


def test_an_agent_adds_its_parameters_and_headers_above_those_of_the_target():
    found = CONFIG.resolve("agent:coder")

    assert (found.kind, found.alias, found.agent) == ("agent", "safe", "coder")
    assert found.headers == {"x-agent": "coder"}
    assert found.params == {"temperature": 0.2, "top_p": 0.9, "max_tokens": 800, "seed": 2}
    assert found.targets[0].params == {"max_tokens": 800, "temperature": 0.2, "top_p": 0.1, "seed": 2}


def test_names_are_looked_up_as_alias_then_agent_then_model_then_bare_model():
    kinds = {name: CONFIG.resolve(name).kind for name in ("coder", "writer", "lab/shared", "gpt-4.1-mini")}

    assert kinds == {"coder": "alias", "writer": "agent", "lab/shared": "model", "gpt-4.1-mini": "model"}


def test_the_reason_for_each_target_is_a_sentence_for_people():
    assert [target.why for target in CONFIG.resolve("agent:coder").targets] == [
        "Agent 'coder' runs on alias 'safe': first choice",
        "Agent 'coder' runs on alias 'safe': fallback 1, asked when those before it fail",
    ]
    assert CONFIG.resolve("split").targets[0].why.startswith("Alias 'split': takes 75 % of the calls")
    assert CONFIG.resolve("fast").targets[0].why == "Alias 'fast': its only target"


def test_a_bare_name_that_several_providers_have_must_be_said_in_full():
    with pytest.raises(UnknownNameError, match=r"say which: openai/shared, lab/shared") as caught:
        CONFIG.resolve("shared")

    assert set(caught.value.near) == {"openai/shared", "lab/shared"}


def test_an_unknown_name_comes_with_names_that_are_near():
    with pytest.raises(UnknownNameError, match=r"Did you mean openai/gpt-4\.1-mini") as caught:
        CONFIG.resolve("gpt-4.1-mni")

    assert caught.value.near[0] == "openai/gpt-4.1-mini"
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("name", ["", "agent:", "agent:nobody", "openai/", "/", "nothing/like-it"])
def test_what_is_no_name_is_unknown(name):
    with pytest.raises(UnknownNameError):
        CONFIG.resolve(name)


def test_an_alias_without_targets_resolves_to_none():
    assert CONFIG.resolve("empty").targets == ()


def test_a_name_is_worked_out_once():
    assert CONFIG.resolve("safe") is CONFIG.resolve("safe")


def test_only_a_config_of_the_environment_alone_takes_models_that_are_not_listed():
    open_config = LLMConfig(providers={"openai": {}}, accepts_unlisted_models=True)

    found = open_config.resolve("openai/brand-new")

    assert (found.targets[0].provider, found.targets[0].model) == ("openai", "brand-new")
    assert open_config._resolutions == {}
    with pytest.raises(UnknownNameError):
        CONFIG.resolve("openai/brand-new")
