"""How a name resolves and why; the order is the one that calls take, whatever is down."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmadmin.core.errors import InvalidError
from llmadmin.impact.documents import explanation_json
from llmadmin.impact.explaining import Surroundings, explain
from llmadmin.impact.outage import Outage
from providers.canary import take_side
from providers.config import LLMConfig
from providers.errors import LLMProviderAuthenticationError, LLMProviderError, LLMProviderServiceError
from providers.health import Circuit
from providers.plan import Attempt, Plan, PlannedTarget
from tests.providers.scripted import CHAT, Clock, ScriptedProvider, router, target

SETUP = {
    "providers": {name: {"kind": "local", "api_base": "http://127.0.0.1:9/v1"} for name in ("a", "b", "c")},
    "models": [
        {
            "name": "one",
            "provider": "a",
            "parameters": {"temperature": 1, "top_p": 0.9},
            "price": {"input_usd_per_mtok": 3},
        },
        {"name": "two", "provider": "b", "context_window": 8000, "price": {"input_usd_per_mtok": 1}},
        {"name": "three", "provider": "c"},
    ],
    "aliases": {
        "fast": {
            "targets": [
                {"model": "a/one", "weight": 1, "params": {"seed": 1}},
                {"model": "b/two", "weight": 3},
            ],
            "params": {"temperature": 0.5, "max_tokens": 50},
        }
    },
    "agents": {"coder": {"alias": "fast", "params": {"max_tokens": 9}}},
}


def setup(**alias) -> LLMConfig:
    return LLMConfig(**{**SETUP, "aliases": {"fast": {**SETUP["aliases"]["fast"], **alias}}})


class Room:
    """A router with a scripted provider for each of the config's, each failing when called."""

    def __init__(self, config: LLMConfig, *, keys: dict[str, list[str]] | None = None, needing: tuple[str, ...] = ()):
        self.config = config
        self.keys = keys or {}
        self.needing = needing
        self.clock = Clock()
        self.router = router(self.clock)
        down = LLMProviderServiceError("down", status=500)
        self.providers = {name: ScriptedProvider(down, name=name, max_retries=0) for name in config.providers}

    def plan(self, name: str) -> Plan:
        resolution = self.config.resolve(name)
        canary = resolution.canary
        return Plan(
            targets=tuple(self._planned(one) for one in resolution.targets),
            strategy=resolution.strategy,
            requested=resolution.requested,
            canary=self._planned(canary.target) if canary else None,
            canary_percent=canary.share_percent if canary else 0,
        )

    def _planned(self, one) -> PlannedTarget:
        keys = self.keys.get(one.provider, [])
        made = target(self.providers[one.provider], model=one.model, keys=keys, weight=one.weight)
        return replace(made, params=one.params, price=self.config.models[one.name].price)

    def explained(self, name: str, **options):
        health = {Circuit(one.scope, one.name): one for one in self.router.health.snapshot()}
        around = Surroundings(
            foresee=self.router.preview,
            obstacle=lambda target: "",
            health=health,
            needs_key=lambda provider: provider in self.needing,
        )
        return explain(self.config, self.config.resolve(name), self.plan(name), around, **options)

    def tried(self, plan: Plan) -> list[str]:
        """What one call that fails everywhere really goes through."""
        attempts: list[Attempt] = []
        with pytest.raises(LLMProviderError):
            asyncio.run(self.router.execute(plan, CHAT, attempts=attempts))
        return [f"{one.provider}/{one.model}" for one in attempts]


def roles(found) -> list[tuple[str, str]]:
    return [(step.name, step.role) for step in found.steps]


def test_by_priority_the_first_answers_and_the_others_wait():
    found = Room(setup()).explained("fast")

    assert roles(found) == [("a/one", "answers"), ("b/two", "fallback")]
    assert [step.why for step in found.steps] == ["First choice.", "Fallback 1, asked when those before it fail."]
    assert found.is_answered


def test_by_weight_each_has_its_share():
    found = Room(setup(strategy="weighted")).explained("fast")

    assert [(step.name, step.role, step.share) for step in found.steps] == [
        ("b/two", "shares", 0.75),
        ("a/one", "shares", 0.25),
    ]


def test_the_cheapest_comes_first():
    found = Room(setup(strategy="cheapest")).explained("fast")

    assert roles(found) == [("b/two", "answers"), ("a/one", "fallback")]


def test_parameters_say_which_level_they_come_from_and_what_they_override():
    found = Room(setup()).explained("agent:coder")

    step = found.steps[0]
    assert [(one.name, one.value, one.source, one.overrides) for one in step.parameters] == [
        ("temperature", 0.5, "alias", ("model",)),
        ("top_p", 0.9, "model", ()),
        ("max_tokens", 9, "agent", ("alias",)),
        ("seed", 1, "target", ()),
    ]
    assert (found.agent, found.alias) == ("coder", "fast")


@pytest.mark.parametrize("name", ["fast", "agent:coder", "a/one"])
def test_the_parameters_are_those_that_are_sent(name):
    config = setup(canary={"model": "c/three", "share_percent": 5, "params": {"seed": 7}})
    resolution = config.resolve(name)

    found = Room(config).explained(name)

    for step, resolved in zip(found.steps, resolution.targets, strict=True):
        assert {one.name: one.value for one in step.parameters} == dict(resolved.params)
    if resolution.canary:
        assert {one.name: one.value for one in found.canary.parameters} == dict(resolution.canary.target.params)
        assert [one.source for one in found.canary.parameters if one.name == "seed"] == ["canary"]


def test_a_target_without_a_key_that_it_needs_is_tried_in_vain_and_the_next_answers():
    found = Room(setup(), keys={"b": ["k"]}, needing=("a", "b")).explained("fast")

    assert roles(found) == [("a/one", "fails"), ("b/two", "answers")]
    assert "no API key" in found.steps[0].why


def test_a_target_that_failed_lately_comes_last_and_says_why():
    room = Room(setup(), keys={"a": ["k"]})
    room.router.health.fail(
        LLMProviderAuthenticationError("bad key", status=401), provider="a", model="one", key_id="k"
    )

    found = room.explained("fast")

    assert roles(found) == [("b/two", "answers"), ("a/one", "postponed")]
    assert (found.steps[1].keys[0].state, "bad key" in found.steps[1].keys[0].reason) == ("cooling", True)


def test_where_all_failed_lately_the_first_of_them_answers():
    room = Room(setup())
    for name in ("a/one", "b/two"):
        room.router.health.rest(Circuit("model", name), 60, reason="busy")

    assert roles(room.explained("fast")) == [("a/one", "answers"), ("b/two", "postponed")]


def test_a_provider_taken_for_down_leaves_the_chain_and_says_so():
    found = Room(setup()).explained("fast", outage=Outage.from_text("provider:a"))

    assert roles(found) == [("b/two", "answers"), ("a/one", "skipped")]
    assert found.steps[1].why == "What if: a is down."


def test_a_key_taken_for_down_leaves_the_others_and_the_last_takes_its_target_along():
    room = Room(setup(), keys={"a": ["k1", "k2"]})

    one_less = room.explained("fast", outage=Outage.from_text("key:k1"))
    none_left = room.explained("fast", outage=Outage.from_text("key:k1,key:k2"))

    assert [(key.id, key.state) for key in one_less.steps[0].keys] == [("k1", "without"), ("k2", "closed")]
    assert roles(none_left) == [("b/two", "answers"), ("a/one", "skipped")]
    assert none_left.steps[1].why == "What if: none of its keys is left."


def test_with_everything_down_nobody_answers():
    found = Room(setup()).explained("fast", outage=Outage.from_text("provider:a,provider:b"))

    assert not found.is_answered
    assert {role for _, role in roles(found)} == {"skipped"}


def test_the_canary_stands_beside_the_chain_with_its_share():
    config = setup(canary={"model": "c/three", "share_percent": 12.5})

    found = Room(config).explained("fast")
    without = Room(config).explained("fast", outage=Outage.from_text("provider:c"))

    assert (found.canary.name, found.canary.role, found.canary.share) == ("c/three", "shares", 0.125)
    assert (
        found.canary.why == "On trial: 12.5 % of the calls try it first, and go on to the targets below where it fails."
    )
    assert roles(found) == [("a/one", "answers"), ("b/two", "fallback")]
    assert (without.canary.role, without.canary.why) == ("skipped", "What if: c is down.")


@pytest.mark.parametrize("text", ["a", "provider:", "model:a/one", "provider"])
def test_what_can_t_be_taken_for_down_is_refused(text):
    with pytest.raises(InvalidError) as problem:
        Outage.from_text(text)
    assert set(problem.value.fields) == {"without"}


def test_an_outage_reads_back_from_its_names():
    outage = Outage.from_text(" provider:b, key:1,provider:a,,")

    assert outage.names == ["provider:a", "provider:b", "key:1"]
    assert Outage.of(outage.names) == outage
    assert not Outage.from_text("")


@given(
    strategy=st.sampled_from(["priority", "weighted", "round_robin", "least_latency", "cheapest"]),
    cooling=st.sets(st.sampled_from(["a/one", "b/two", "c/three"])),
    down=st.sets(st.sampled_from(["provider:a", "provider:b", "provider:c", "key:k1", "key:k2"])),
    side=st.sampled_from([0.0, 0.99]),
    has_canary=st.booleans(),
)
def test_the_panel_shows_the_order_in_which_a_call_really_goes(strategy, cooling, down, side, has_canary):
    canary = {"canary": {"model": "c/three", "share_percent": 50}} if has_canary else {}
    room = Room(setup(strategy=strategy, **canary), keys={"a": ["k1", "k2"]})
    room.router._plain.state.rng = lambda: 0.5
    for name in cooling:
        room.router.health.rest(Circuit("model", name), 60, reason="busy")
    outage = Outage.of(down)

    found = room.explained("fast", outage=outage)
    call = take_side(outage.applied(room.plan("fast")), rng=lambda: side)
    tried = room.tried(call)

    chain = [step.name for step in found.steps if step.role != "skipped"]
    if call.side == "canary" and found.canary.role == "postponed":
        chain = sorted([*chain, found.canary.name], key=lambda name: name in cooling)
        tried = sorted(tried, key=lambda name: name in cooling)
        assert set(chain) == set(tried)
    elif call.side == "canary":
        assert [found.canary.name, *chain] == tried
    elif chain:
        assert chain == tried
    else:
        assert not found.is_answered


def test_the_explanation_is_json():
    found = Room(setup(canary={"model": "c/three", "share_percent": 5}), keys={"a": ["k"]}).explained("fast")

    document = explanation_json(found)

    assert document["strategy"] == "priority"
    assert document["steps"][0]["keys"] == [{"id": "k", "label": "k", "state": "closed", "reason": ""}]
    assert document["steps"][1]["context_window"] == 8000
    assert document["canary"]["share_percent"] == 5
