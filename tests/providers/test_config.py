from __future__ import annotations

import copy
import string
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers import ProviderType
from providers.config import (
    AgentConfig,
    AliasConfig,
    ConfigError,
    KeyConfig,
    LLMConfig,
    LLMModelConfig,
    LLMProviderConfig,
    PriceConfig,
    TargetConfig,
)
from providers.document import plain_decimal

DOCUMENT = {
    "version": 42,
    "published_at": "2026-01-01T00:00:00Z",
    "default_model": "sonnet",
    "providers": {
        "anthropic": {
            "kind": "anthropic",
            "base_url": "https://api.anthropic.com",
            "default_model": "claude-sonnet-4-5",
            "timeout_s": 60,
            "max_retries": 2,
            "headers": {"x-team": "lab"},
            "options": {"beta": ["a"]},
            "keys": [
                {"id": "0b6f", "label": "prod", "weight": 3, "api_key": "test-key-alpha"},
                {"id": "0b70", "label": "spare", "weight": 1, "api_key": "test-key-beta"},
            ],
        }
    },
    "models": {
        "anthropic/claude-sonnet-4-5": {
            "provider": "anthropic",
            "name": "claude-sonnet-4-5",
            "context_window": 200000,
            "max_output_tokens": 64000,
            "capabilities": ["chat", "vision", "tools"],
            "parameters": {"max_tokens": 1024},
            "price": {
                "input_usd_per_mtok": "3",
                "cached_input_usd_per_mtok": "0.3",
                "cache_write_usd_per_mtok": "3.75",
                "output_usd_per_mtok": "15",
                "reasoning_usd_per_mtok": "15",
                "tiers": [{"above_input_tokens": 200000, "input_usd_per_mtok": "6"}],
                "effective_from": "2025-09-29",
            },
        },
        "anthropic/other": {
            "provider": "anthropic",
            "name": "other",
            "context_window": None,
            "max_output_tokens": None,
            "capabilities": [],
            "parameters": {},
            "price": None,
        },
    },
    "aliases": {
        "sonnet": {
            "strategy": "weighted",
            "targets": [
                {"model": "anthropic/claude-sonnet-4-5", "weight": 2, "params": {"top_p": 0.5}},
                {"model": "anthropic/other", "weight": 0, "params": {}},
            ],
            "params": {"temperature": 0.5},
            "cache_ttl_s": 60,
            "deprecated": "Use opus.",
        }
    },
    "agents": {"coder": {"alias": "sonnet", "params": {"temperature": 0.2}, "headers": {"x-agent": "coder"}}},
}


def changed(**path_and_value: object) -> dict:
    """The document with one place changed; `__` parts the path."""
    document = copy.deepcopy(DOCUMENT)
    for path, value in path_and_value.items():
        *parents, last = path.split("__")
        place = document
        for name in parents:
            place = place[name]
        place[last] = value
    return document


def problems_of(**arguments: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        LLMConfig(**arguments)
    return caught.value.fields


# The document


def test_the_document_reads_and_writes_back_exactly():
    assert LLMConfig.from_document(DOCUMENT).to_document(with_secrets=True) == DOCUMENT


def test_without_secrets_the_document_has_every_key_but_its_text():
    document = LLMConfig.from_document(DOCUMENT).to_document()

    assert document["providers"]["anthropic"]["keys"] == [
        {"id": "0b6f", "label": "prod", "weight": 3},
        {"id": "0b70", "label": "spare", "weight": 1},
    ]
    assert LLMConfig.from_document(document).to_document() == document


def test_no_key_is_shown_by_repr():
    config = LLMConfig.from_document(DOCUMENT)

    assert "test-key" not in repr((config, config.providers, LLMModelConfig("m", "p", api_key="test-key-alpha")))


def test_fields_that_a_newer_server_added_are_passed_over():
    document = changed(models={**DOCUMENT["models"]})
    document["models"]["anthropic/other"] = {**document["models"]["anthropic/other"], "modality": "audio"}
    document["providers"]["anthropic"]["region"] = "eu"

    assert LLMConfig.from_document(document).to_document(with_secrets=True) == DOCUMENT


def test_settings_the_document_does_not_name_are_written_only_where_they_were_changed():
    config = LLMConfig(providers={"p": {"retry_delay_s": 1.0, "retry_on": ["timeout"], "timeout_s": 30.0}})

    written = config.to_document()["providers"]["p"]

    assert (written["retry_delay_s"], written["retry_on"], written["timeout_s"]) == (1, ["timeout"], 30)
    assert "retry_max_delay_s" not in written
    assert LLMConfig.from_document(config.to_document()).providers["p"].retry_on == {"timeout"}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9))
def test_prices_are_written_without_exponent_or_trailing_zeros(value):
    text = plain_decimal(value)

    assert Decimal(text) == value
    assert "E" not in text
    assert not ("." in text and text.endswith("0"))


# The hash


def test_the_hash_covers_what_the_config_does_and_nothing_else():
    def hash_of(document: dict) -> str:
        return LLMConfig.from_document(document).hash

    keys = [{"id": "new", "label": "prod", "weight": 3, "api_key": "x"}, {"id": "n2", "label": "spare", "weight": 1}]
    same = [changed(version=43), changed(published_at=None), changed(providers__anthropic__keys=keys)]
    different = [
        changed(default_model=None),
        changed(providers__anthropic__timeout_s=61),
        changed(aliases__sonnet__params={"temperature": 0.6}),
        changed(providers__anthropic__keys=keys[:1]),
    ]

    assert {hash_of(document) for document in same} == {hash_of(DOCUMENT)}
    assert hash_of(DOCUMENT) not in {hash_of(document) for document in different}
    assert len(hash_of(DOCUMENT)) == 64


def test_the_hash_does_not_depend_on_how_a_number_is_written_or_on_the_order_of_names():
    one = LLMConfig.from_document(changed(aliases__sonnet__params={"a": 1.0, "b": 2}))
    other = LLMConfig.from_document(changed(aliases__sonnet__params={"b": 2.0, "a": 1}))

    assert one.hash == other.hash


NAMES = st.text(string.ascii_lowercase + "./-", min_size=1, max_size=8).filter(lambda name: name.strip("/"))
PARAMS = st.dictionaries(
    NAMES, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.none()
)


@st.composite
def documents(draw) -> dict:
    providers = draw(st.lists(NAMES.filter(lambda name: "/" not in name), min_size=1, max_size=3, unique=True))
    models = {}
    for provider in providers:
        for name in draw(st.lists(NAMES, max_size=3, unique=True)):
            models[f"{provider}/{name}"] = {
                "provider": provider,
                "name": name,
                "capabilities": [],
                "parameters": draw(PARAMS),
                "context_window": draw(st.none() | st.integers(1, 10**7)),
                "max_output_tokens": None,
                "price": draw(
                    st.none() | st.fixed_dictionaries({"input_usd_per_mtok": st.sampled_from(["0", "0.25"])})
                ),
            }
    targets = st.lists(
        st.fixed_dictionaries(
            {"model": st.sampled_from(sorted(models) or ["-"]), "weight": st.just(1), "params": PARAMS}
        ),
        max_size=3,
    )
    alias = st.fixed_dictionaries(
        {
            "strategy": st.sampled_from(["priority", "weighted"]),
            "targets": targets if models else st.just([]),
            "params": PARAMS,
            "cache_ttl_s": st.integers(0, 100),
            "deprecated": st.none() | st.text(min_size=1),
        }
    )
    return {
        "version": draw(st.integers(0, 99)),
        "published_at": None,
        "default_model": None,
        "providers": {
            name: {
                "kind": name,
                "base_url": draw(st.none() | st.text(min_size=1)),
                "default_model": None,
                "timeout_s": draw(st.integers(1, 600)),
                "max_retries": draw(st.integers(0, 9)),
                "headers": {},
                "options": draw(PARAMS),
                "keys": [],
            }
            for name in providers
        },
        "models": models,
        "aliases": draw(st.dictionaries(NAMES, alias, max_size=3)),
        "agents": {},
    }


@given(documents())
def test_any_document_reads_and_writes_back_exactly(document):
    assert LLMConfig.from_document(document).to_document(with_secrets=True) == document


@example(
    {
        "version": 0,
        "published_at": None,
        "default_model": None,
        "providers": {},
        "models": {},
        "agents": {},
        "aliases": {"a": {"strategy": "priority", "targets": [], "params": {}, "cache_ttl_s": 0, "deprecated": "\x85"}},
    }
)
@given(documents())
def test_any_config_comes_back_from_yaml_with_the_same_hash(document):
    config = LLMConfig.from_document(document)

    assert LLMConfig.from_yaml(config.to_yaml(), use_environment=False).hash == config.hash


# The looser constructor


def test_the_constructor_takes_what_people_write():
    config = LLMConfig(
        default_provider=ProviderType.OPENAI,
        providers={ProviderType.OPENAI: {"api_base": "https://api.openai.com/v1", "organization": "org-123"}},
        models=[
            LLMModelConfig(
                name="gpt-4",
                provider=ProviderType.OPENAI,
                api_key="test-key-alpha",
                max_tokens=8192,
                temperature=0.7,
                is_default=True,
            )
        ],
        aliases={"fast": "gpt-4", "safe": ["openai/gpt-4"]},
        agents={"coder": "safe"},
    )

    assert config.default_model == "openai/gpt-4"
    assert config.default_provider == "openai"
    assert config.providers["openai"].kind == "openai"
    assert config.providers["openai"].base_url == "https://api.openai.com/v1"
    assert config.providers["openai"].options == {"organization": "org-123"}
    assert config.models["openai/gpt-4"].parameters == {"max_tokens": 8192, "temperature": 0.7}
    assert config.aliases["fast"].targets == (TargetConfig("openai/gpt-4"),)
    assert config.agents["coder"] == AgentConfig("coder", "safe")


def test_the_constructor_takes_entries_too():
    config = LLMConfig(
        providers={"lab": LLMProviderConfig(kind="local", base_url="http://127.0.0.1:9000/v1", api_key="test-key")},
        models={"lab/a": {"context_window": 8000}, "b": {"provider": "lab", "price": PriceConfig(Decimal(1))}},
        aliases={"x": AliasConfig("ignored", (TargetConfig("lab/a"),))},
    )

    assert config.providers["lab"].name == "lab"
    assert config.providers["lab"].keys == (KeyConfig(id="local-default", api_key="test-key"),)
    assert set(config.models) == {"lab/a", "lab/b"}
    assert config.aliases["x"].name == "x"


def test_a_provider_default_model_is_listed_and_may_be_the_default():
    config = LLMConfig(default_provider="openai", providers={"openai": {"default_model": "gpt-4.1-mini"}})

    assert config.default_model == "openai/gpt-4.1-mini"
    assert list(config.models) == ["openai/gpt-4.1-mini"]


def test_changing_a_config_gives_another_one():
    config = LLMConfig.from_document(DOCUMENT)

    other = config.replace(default_model="anthropic/other")

    assert (config.default_model, other.default_model) == ("sonnet", "anthropic/other")
    assert other != config
    assert config == LLMConfig.from_document(DOCUMENT)


# What is wrong is said, all of it


def test_every_problem_is_named_with_its_path():
    fields = problems_of(
        providers={"openai": {"timeout_s": "soon", "keys": [{"weight": -1}]}},
        models=[
            {"name": "gpt", "provider": "openai", "price": {"input_usd_per_mtok": "-1"}},
            {"name": "ghost", "provider": "nowhere"},
            {"provider": "openai"},
        ],
        aliases={
            "a": "openai/gpt",
            "b": "a",
            "c": {"targets": ["openai/none"], "strategy": "luck", "stratgy": "priority"},
            "d": {},
        },
        agents={"coder": "nobody"},
    )

    assert fields == {
        "providers.openai.timeout_s": "Must be a number, not 'soon'.",
        "providers.openai.keys[0].weight": "Must be 0 or more, not -1.",
        "models[0].price.input_usd_per_mtok": "A price can't be negative (-1); enter 0 for what is free.",
        "models[2].name": "Is missing; every entry here needs 'name'.",
        "models.nowhere/ghost.provider": "There is no provider 'nowhere'; add it first.",
        "aliases.b.targets[0].model": "'a' is itself an alias; a target is always a model (provider/name).",
        "aliases.c.targets[0].model": "There is no model 'openai/none'; add it to the provider first.",
        "aliases.c.stratgy": "Is not a field here; check its spelling.",
        "aliases.c.strategy": "There is no strategy 'luck'; use one of "
        "priority, weighted, round_robin, least_latency, cheapest.",
        "aliases.d": "Names no target; give 'targets', a list of provider/model.",
        "agents.coder.alias": "There is no alias 'nobody'; add it first.",
    }


def test_an_alias_may_have_the_name_of_a_model():
    config = LLMConfig(
        providers={"openai": {}, "azure": {}},
        models=[LLMModelConfig("gpt-4.1", "openai"), LLMModelConfig("gpt-4.1", "azure")],
        aliases={"gpt-4.1": "azure/gpt-4.1", "openai/gpt-4.1": "openai/gpt-4.1"},
    )

    assert config.resolve("gpt-4.1").targets[0].name == "azure/gpt-4.1"
    assert config.resolve("openai/gpt-4.1").kind == "alias"


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"default_model": "nothing"}, "default_model"),
        ({"default_provider": "nothing"}, "default_provider"),
        ({"providers": ["openai"]}, "providers"),
        ({"providers": {"openai": "key"}}, "providers.openai"),
        ({"providers": {"openai": {"retry_on": ["luck"]}}}, "providers.openai.retry_on"),
        ({"models": "gpt"}, "models"),
        ({"providers": {"p": {}}, "models": [{"name": "m", "provider": "p"}] * 2}, "models[1]"),
        ({"providers": {"p": {}}, "models": [LLMModelConfig(n, "p", is_default=True) for n in "ab"]}, "models"),
        (
            {"providers": {"p": {}}, "models": [{"name": "m", "provider": "p", "max_tokens": 1.5}]},
            "models[0].max_tokens",
        ),
        (
            {"providers": {"p": {}}, "models": [{"name": "m", "provider": "p", "is_default": "x"}]},
            "models[0].is_default",
        ),
        ({"providers": {"p": {"keys": [{"weight": 0}]}}}, "providers.p.keys"),
        ({"published_at": "yesterday"}, "published_at"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(arguments, path):
    assert path in problems_of(**arguments)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["providers", "models", "aliases", "agents", "price", "targets"]),
)
def test_no_input_brings_anything_but_a_config_or_a_config_error(value, place):
    raw = {
        "price": {"models": [{"name": "m", "provider": "p", "price": value}], "providers": {"p": {}}},
        "targets": {"aliases": {"a": {"targets": value}}},
    }.get(place, {place: value})

    with suppress(ConfigError):
        LLMConfig(**raw)
