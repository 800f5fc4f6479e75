from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

from providers.config import PriceConfig
from providers.plan import PlannedKey
from providers.strategies import RoutingState, order_keys, order_targets, register_strategy
from tests.providers.scripted import Clock, ScriptedProvider, plan, target

A, B, C = (ScriptedProvider(name=name) for name in "abc")


def names(targets) -> list[str]:
    return [item.provider_name for item in targets]


def firsts(planned, *, calls: int) -> Counter:
    state = RoutingState(rng=random.Random(7).random)
    return Counter(order_targets(planned, state)[0].provider_name for _ in range(calls))


def test_priority_keeps_the_configured_order():
    assert names(order_targets(plan(target(B), target(A)), RoutingState())) == ["b", "a"]


def test_weighted_shares_the_calls_out_by_weight():
    share = firsts(plan(target(A, weight=3), target(B, weight=1), strategy="weighted"), calls=4_000)

    assert 2_800 < share["a"] < 3_200


def test_weight_zero_is_a_fallback_only():
    planned = plan(target(A, weight=0), target(B, weight=1), strategy="weighted")

    assert firsts(planned, calls=50) == {"b": 50}
    assert names(order_targets(planned, RoutingState())) == ["b", "a"]


def test_equal_affinity_goes_to_the_same_target_and_different_ones_spread():
    def chosen(affinity: str) -> str:
        planned = plan(target(A), target(B), strategy="weighted", affinity=affinity)
        return order_targets(planned, RoutingState())[0].provider_name

    assert len({chosen("someone") for _ in range(20)}) == 1
    assert {chosen(f"person-{number}") for number in range(30)} == {"a", "b"}


def test_affinity_stays_when_an_unrelated_target_goes():
    def chosen(*providers: ScriptedProvider) -> str:
        planned = plan(*(target(p) for p in providers), strategy="weighted", affinity="someone")
        return order_targets(planned, RoutingState())[0].provider_name

    home = chosen(A, B, C)
    remaining = [p for p in (A, B, C) if p.name == home or p.name == min({"a", "b", "c"} - {home})]

    assert chosen(*remaining) == home


def test_round_robin_takes_turns_for_each_name():
    state = RoutingState()
    fast = plan(target(A), target(B), strategy="round_robin", requested="fast")
    slow = plan(target(A), target(B), strategy="round_robin", requested="slow")

    turns = [names(order_targets(planned, state)) for planned in (fast, fast, slow, fast)]

    assert turns == [["a", "b"], ["b", "a"], ["a", "b"], ["a", "b"]]


def test_least_latency_prefers_the_fastest_and_looks_at_unknown_ones_first():
    clock = Clock()
    state = RoutingState(clock=clock)
    planned = plan(target(A), target(B), target(C), strategy="least_latency")
    state.note_latency("a/m", 300)
    state.note_latency("b/m", 100)

    assert names(order_targets(planned, state)) == ["c", "b", "a"]


def test_least_latency_stays_with_its_target_where_calls_have_an_affinity():
    state = RoutingState(clock=Clock())
    planned = plan(target(A), target(B), target(C), strategy="least_latency", affinity="someone")
    before = names(order_targets(planned, state))
    state.note_latency(f"{before[0]}/m", 900)
    state.note_latency(f"{before[1]}/m", 1)

    assert names(order_targets(planned, state)) == before


def test_an_old_latency_is_forgotten_so_that_the_target_gets_another_chance():
    clock = Clock()
    state = RoutingState(clock=clock, latency_max_age_s=60)
    state.note_latency("a/m", 900)
    clock.seconds += 61

    assert state.latency_ms("a/m") is None


def test_cheapest_puts_unknown_prices_last_and_free_ones_first():
    dear = target(A, price=PriceConfig(Decimal(3), output_usd_per_mtok=Decimal(15)))
    free = target(B, price=PriceConfig(Decimal(0), output_usd_per_mtok=Decimal(0)))
    unknown = target(C)

    assert names(order_targets(plan(unknown, dear, free, strategy="cheapest"), RoutingState())) == ["b", "a", "c"]


def test_a_strategy_of_our_own_can_be_registered():
    register_strategy("backwards", lambda planned, _: planned.targets[::-1])

    assert names(order_targets(plan(target(A), target(B), strategy="backwards"), RoutingState())) == ["b", "a"]


def test_keys_share_the_load_by_weight():
    keys = [PlannedKey("busy", weight=9), PlannedKey("rare", weight=1)]
    rng = random.Random(7).random

    share = Counter(order_keys(keys, affinity=None, rng=rng)[0].id for _ in range(2_000))

    assert 1_700 < share["busy"] < 1_900


def test_g25_what_strategies_remember_is_bounded():
    state = RoutingState(max_names=10)
    for number in range(100):
        state.next_turn(f"name-{number}")
        state.note_latency(f"target-{number}", 1.0)

    assert len(state._turns) == len(state._latencies) == 10
