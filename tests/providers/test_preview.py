"""The order that is foreseen is the order in which calls are really tried."""

from __future__ import annotations

import asyncio
import copy
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.config import PriceConfig
from providers.errors import LLMProviderAuthenticationError, LLMProviderError, LLMProviderServiceError
from providers.health import Circuit
from providers.plan import Attempt, Plan
from tests.providers.scripted import CHAT, Clock, ScriptedProvider, plan, router, target

STRATEGIES = ["priority", "weighted", "round_robin", "least_latency", "cheapest"]


def down(name: str) -> ScriptedProvider:
    return ScriptedProvider(LLMProviderServiceError("down", status=500), name=name, max_retries=0)


def cool(board, circuit: Circuit) -> None:
    board.rest(circuit, 60, reason="for a test")


@given(
    strategy=st.sampled_from(STRATEGIES),
    weights=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    cooling=st.sets(st.integers(0, 3)),
    keys=st.lists(st.sampled_from(["none", "well", "cooling", "full"]), min_size=4, max_size=4),
    affinity=st.none() | st.just("someone"),
    side=st.sampled_from(["", "stable", "canary"]),
    turns=st.integers(0, 3),
)
def test_what_is_foreseen_is_what_is_tried(strategy, weights, cooling, keys, affinity, side, turns):
    clock = Clock()
    sender = router(clock)
    targets = [
        target(
            down(f"p{place}"),
            weight=weight,
            keys=[] if keys[place] == "none" else [f"key-{place}"],
            price=PriceConfig(input_usd_per_mtok=weight),
        )
        for place, weight in enumerate(weights)
    ]
    planned = Plan(
        targets=targets,
        strategy=strategy,
        requested="alias",
        affinity=affinity,
        canary=target(down("new")),
        canary_percent=50,
        side=side,
    )
    for place in cooling & set(range(len(weights))):
        cool(sender.health, Circuit("model", targets[place].name))
    for place in range(len(weights)):
        if keys[place] == "cooling":
            cool(sender.health, Circuit("key", f"key-{place}"))
        if keys[place] == "full":
            limited = replace(targets[place].keys[0], calls_per_minute=1)
            targets[place] = replace(targets[place], keys=(limited,))
            sender._plain.quotas.take(limited)
    for _ in range(turns):
        sender._plain.state.next_turn("alias")
    sender._plain.state.rng = lambda: 0.5

    foreseen = [one.target.name for one in sender.preview(planned)]
    again = [one.target.name for one in sender.preview(planned)]
    attempts: list[Attempt] = []
    with pytest.raises(LLMProviderError):
        asyncio.run(sender.execute(planned, CHAT, attempts=attempts))

    tried = [f"{one.provider}/{one.model}" for one in attempts]
    assert foreseen == again == [name for name, _ in itertools.groupby(tried)]


def test_looking_takes_no_turn_and_claims_no_probe():
    clock = Clock()
    sender = router(clock, cooling_s=5)
    failing = down("p")
    planned = plan(target(failing, keys=["k"]), target(ScriptedProvider(name="q")), strategy="round_robin")
    sender.health.fail(LLMProviderAuthenticationError("no", status=401), provider="p", model="m", key_id="k")
    clock.seconds += 6
    before = copy.copy(sender._plain.state._turns)

    foreseen = sender.preview(planned)

    assert [state for one in foreseen for _, state in one.circuits] == ["closed", "closed", "ready", "closed", "closed"]
    assert sender._plain.state._turns == before
    assert sender.health.claim(Circuit("key", "k")) == (Circuit("key", "k"),)


def test_a_target_that_cools_comes_last_and_says_so():
    sender = router(Clock())
    cool(sender.health, Circuit("provider", "a"))

    foreseen = sender.preview(plan(target(ScriptedProvider(name="a")), target(ScriptedProvider(name="b"))))

    assert [(one.target.provider_name, one.is_postponed) for one in foreseen] == [("b", False), ("a", True)]
    assert foreseen[1].circuits[0] == (Circuit("provider", "a"), "cooling")
