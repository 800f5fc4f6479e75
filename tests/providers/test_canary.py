"""A share of an alias's calls tries another target first."""

from __future__ import annotations

import random

import pytest

from providers.canary import take_side
from providers.config import ConfigError, LLMConfig
from providers.errors import LLMProviderServiceError
from providers.manager import LLMProviderManager
from providers.strategies import RoutingState, order_targets
from providers.transport import close_transports
from tests.providers.scripted import CHAT, Clock, ScriptedProvider, plan, router, target
from tests.providers.test_manager import chat

STABLE, SPARE, NEW = (ScriptedProvider(name=name) for name in ("stable", "spare", "new"))


def on_trial(percent: float, **settings):
    return plan(target(STABLE), target(SPARE), canary=target(NEW), canary_percent=percent, **settings)


def order(planned) -> list[str]:
    return [one.provider_name for one in order_targets(planned, RoutingState())]


def test_the_canary_gets_its_share_of_the_calls():
    rng = random.Random(7).random

    sides = [take_side(on_trial(5), rng=rng).side for _ in range(10_000)]

    assert 430 < sides.count("canary") < 570
    assert set(sides) == {"canary", "stable"}


def test_a_plan_without_a_canary_has_no_sides():
    assert take_side(plan(target(STABLE))).side == ""


def test_on_its_side_the_canary_is_first_with_all_others_behind_and_on_the_other_it_is_not_asked_at_all():
    assert order(take_side(on_trial(50), rng=lambda: 0.1)) == ["new", "stable", "spare"]
    assert order(take_side(on_trial(50), rng=lambda: 0.9)) == ["stable", "spare"]


@pytest.mark.parametrize("strategy", ["weighted", "round_robin", "least_latency", "cheapest"])
def test_every_strategy_obeys_it(strategy):
    ordered = order(take_side(on_trial(50, strategy=strategy), rng=lambda: 0.1))

    assert ordered[0] == "new"
    assert sorted(ordered[1:]) == ["spare", "stable"]


def test_calls_that_belong_together_stay_on_one_side_and_a_growing_share_takes_nobody_off_it():
    people = [f"person {number}" for number in range(400)]

    def canaried(percent: float) -> set[str]:
        return {who for who in people if take_side(on_trial(percent, affinity=who)).side == "canary"}

    assert canaried(10) == canaried(10)
    assert canaried(10) < canaried(40)
    assert 10 < len(canaried(10)) < 80


def test_the_same_model_with_other_parameters_may_be_on_trial():
    planned = plan(target(STABLE, temperature=1), canary=target(STABLE, temperature=0), canary_percent=50)

    ordered = order_targets(take_side(planned, rng=lambda: 0.1), RoutingState())

    assert [one.params for one in ordered] == [{"temperature": 0}, {"temperature": 1}]


async def test_a_canary_that_fails_is_absorbed_by_the_targets_behind_it():
    clock = Clock()
    broken = ScriptedProvider(LLMProviderServiceError("down"), name="new", max_retries=0)
    planned = plan(target(STABLE), canary=target(broken), canary_percent=50, side="canary")

    outcome = await router(clock).execute(planned, CHAT)

    assert [(one.provider, one.status) for one in outcome.attempts] == [("new", "error"), ("stable", "ok")]


SETUP = {
    "providers": {"lab": {"kind": "local", "api_base": "http://127.0.0.1:9/v1"}},
    "models": [{"name": name, "provider": "lab"} for name in ("old", "new")],
    "aliases": {
        "fast": {
            "targets": ["lab/old"],
            "params": {"temperature": 0.2},
            "canary": {"model": "new", "share_percent": 12.5, "params": {"seed": 1}},
        }
    },
    "agents": {"coder": {"alias": "fast", "params": {"max_tokens": 9}}},
}


def test_a_file_names_a_canary_and_reads_back_to_the_same_hash():
    config = LLMConfig(**SETUP)

    canary = config.aliases["fast"].canary

    assert (canary.model, canary.share_percent, canary.params) == ("lab/new", 12.5, {"seed": 1})
    assert LLMConfig.from_yaml(config.to_yaml(), use_environment=False).hash == config.hash
    assert LLMConfig.from_document(config.to_document()).to_document() == config.to_document()
    assert config.hash != config.replace(aliases={"fast": "lab/old"}).hash


def test_the_canary_resolves_beside_the_targets_with_the_agents_parameters():
    found = LLMConfig(**SETUP).resolve("agent:coder")

    assert [one.name for one in found.targets] == ["lab/old"]
    assert found.canary.target.name == "lab/new"
    assert dict(found.canary.target.params) == {"temperature": 0.2, "seed": 1, "max_tokens": 9}


@pytest.mark.parametrize(
    ("canary", "path"),
    [
        ({"share_percent": 5}, "model"),
        ({"model": "lab/new"}, "share_percent"),
        ({"model": "lab/new", "share_percent": 0}, "share_percent"),
        ({"model": "lab/new", "share_percent": 100}, "share_percent"),
        ({"model": "lab/none", "share_percent": 5}, "model"),
        ({"model": "fast", "share_percent": 5}, "model"),
        ({"model": "lab/new", "share_percent": 5, "since": "yesterday"}, "since"),
        ({"model": "lab/new", "share_percent": 5, "percent": 5}, "percent"),
    ],
    ids=["no model", "no share", "nothing", "everything", "unknown model", "an alias", "no time", "misspelt"],
)
def test_a_canary_that_can_t_be_is_named_with_its_place(canary, path):
    with pytest.raises(ConfigError) as problem:
        LLMConfig(**{**SETUP, "aliases": {"fast": {"targets": ["lab/old"], "canary": canary}}})

    assert f"aliases.fast.canary.{path}" in problem.value.fields


def test_a_document_of_a_newer_server_is_read_with_what_is_known_of_it():
    document = LLMConfig(**SETUP).to_document()
    document["aliases"]["fast"]["canary"]["cohort"] = "beta"
    document["aliases"]["fast"]["mirror"] = {"model": "lab/new"}

    assert LLMConfig.from_document(document).aliases["fast"].canary.share_percent == 12.5


async def test_a_service_that_runs_on_the_config_alone_obeys_the_canary_too(upstream):
    upstream.answer(200, chat())
    providers = {"lab": {"kind": "local", "api_base": upstream.base_url}}
    aliases = {"fast": {"targets": ["lab/old"], "canary": {"model": "lab/new", "share_percent": 50}}}
    manager = LLMProviderManager(LLMConfig(**{**SETUP, "providers": providers, "aliases": aliases}))

    results = [await manager.acall_model("ping", model_name="fast", affinity=f"person {n}") for n in range(20)]
    await close_transports()

    assert {(one["side"], one["model"]) for one in results} == {("canary", "lab/new"), ("stable", "lab/old")}


# Sunsets


def test_what_stands_beside_deprecated_reads_and_writes_back():
    retired = {
        "targets": ["lab/old"],
        "deprecated": "Use fast.",
        "deprecated_at": "2026-01-01T00:00:00Z",
        "sunset_at": "2026-03-01T00:00:00Z",
        "replacement": "fast",
        "after_sunset": "refuse",
    }

    config = LLMConfig(**{**SETUP, "aliases": {**SETUP["aliases"], "old": retired}})

    written = config.to_document()["aliases"]["old"]
    assert {name: written[name] for name in retired if name != "targets"} == {
        name: value for name, value in retired.items() if name != "targets"
    }
    assert LLMConfig.from_yaml(config.to_yaml(), use_environment=False).hash == config.hash
    assert set(config.to_document()["aliases"]["fast"]) == {
        "strategy", "targets", "params", "cache_ttl_s", "deprecated", "canary",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"replacement": "nothing"}, "replacement"),
        ({"replacement": "old"}, "replacement"),
        ({"after_sunset": "explode"}, "after_sunset"),
        ({"sunset_at": "soon"}, "sunset_at"),
    ],
    ids=["unknown", "itself", "no such way", "no time"],
)
def test_a_sunset_that_can_t_be_is_named_with_its_place(fields, path):
    with pytest.raises(ConfigError) as problem:
        LLMConfig(**{**SETUP, "aliases": {**SETUP["aliases"], "old": {"targets": ["lab/old"], **fields}}})

    assert set(problem.value.fields) == {f"aliases.old.{path}"}
