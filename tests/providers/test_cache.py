from __future__ import annotations

from dataclasses import replace

import pytest

from providers.cache import ResponseCache, cache_key
from providers.types import ChatRequest, ChatResponse, ToolCall
from tests.providers.scripted import CHAT, Clock

ANSWER = ChatResponse(text="pong", model="m", provider="p", latency_ms=900.0, tool_calls=[ToolCall("1", "f", "{}")])


def test_an_answer_is_kept_for_its_time():
    clock = Clock()
    cache = ResponseCache(clock=clock)
    cache.put("key", ANSWER, ttl_s=10)

    clock.seconds += 9
    fresh = cache.get("key")
    clock.seconds += 1
    stale = cache.get("key")

    assert fresh is not None
    assert (fresh.text, fresh.latency_ms) == ("pong", 0.0)
    assert stale is None
    assert len(cache) == 0


def test_what_a_caller_does_to_its_answer_does_not_reach_the_next():
    cache = ResponseCache()
    cache.put("key", ANSWER, ttl_s=10)

    taken = cache.get("key")
    assert taken is not None
    taken.tool_calls[0].arguments = "changed"

    again = cache.get("key")
    assert again is not None
    assert again.tool_calls[0].arguments == "{}"


def test_no_time_to_live_keeps_nothing():
    cache = ResponseCache()
    cache.put("key", ANSWER, ttl_s=0)

    assert len(cache) == 0


def test_g25_the_cache_is_bounded_and_drops_what_was_unused_for_longest():
    cache = ResponseCache(max_entries=2)
    cache.put("a", ANSWER, ttl_s=10)
    cache.put("b", ANSWER, ttl_s=10)
    cache.get("a")
    cache.put("c", ANSWER, ttl_s=10)

    assert [key for key in "abc" if cache.get(key)] == ["a", "c"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"messages": [{"role": "user", "content": "pong"}]},
        {"temperature": 0.1},
        {"extra": {"flag": True}},
        {"headers": {"x-a": "1"}},
    ],
)
def test_anything_that_may_change_the_answer_changes_the_key(changes):
    assert cache_key(replace(CHAT, **changes)) != cache_key(CHAT)


def test_equal_calls_of_one_scope_share_a_key_and_scopes_are_kept_apart():
    twin = ChatRequest(model="alias", messages=({"content": "ping", "role": "user"},))

    assert cache_key(twin, scope="a") == cache_key(CHAT, scope="a")
    assert cache_key(CHAT, scope="a") != cache_key(CHAT, scope="b")
