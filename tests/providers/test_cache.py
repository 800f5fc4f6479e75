from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

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


def test_g25_the_cache_is_bounded_in_bytes_and_knows_what_it_holds():
    large = replace(ANSWER, raw={"choices": ["x" * 10_000]})
    cache = ResponseCache(max_bytes=50_000)
    for key in "abcdef":
        cache.put(key, large, ttl_s=10)
    held = cache.size_bytes
    cache.put("f", large, ttl_s=10)

    assert [key for key in "abcdef" if cache.get(key)] == list("cdef")
    assert 40_000 < held <= 50_000
    assert cache.size_bytes == held
    cache.clear()
    assert (cache.size_bytes, len(cache)) == (0, 0)


def test_an_answer_that_would_leave_no_room_for_others_is_not_kept():
    cache = ResponseCache(max_bytes=50_000)
    cache.put("key", ANSWER, ttl_s=10)

    cache.put("key", replace(ANSWER, text="é" * 10_000), ttl_s=10)

    assert cache.get("key") is None
    assert cache.size_bytes == 0


def test_the_vendor_s_body_comes_back_equal_and_belongs_to_whoever_asked():
    cache = ResponseCache()
    cache.put("key", replace(ANSWER, raw={"choices": [{"text": "pong"}]}), ttl_s=10)

    taken = cache.get("key")
    assert taken is not None
    taken.raw["choices"].clear()

    again = cache.get("key")
    assert again is not None
    assert again.raw == {"choices": [{"text": "pong"}]}


def test_a_body_that_is_no_json_is_not_kept():
    cache = ResponseCache()
    cache.put("key", replace(ANSWER, raw=object()), ttl_s=10)

    assert len(cache) == 0


def test_who_asks_does_not_change_the_key():
    asked = replace(CHAT, user="ann", extra={"metadata": {"a": 1}, "prompt_cache_key": "k", "safety_identifier": "s"})

    assert cache_key(asked) == cache_key(CHAT)


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


def test_sets_and_mappings_of_any_kind_have_a_key_and_what_has_none_is_named():
    stop = replace(CHAT, stop=frozenset({"b", "a"}), logit_bias=MappingProxyType({"1": 2.0}))

    assert cache_key(stop) == cache_key(replace(CHAT, stop=["a", "b"], logit_bias={"1": 2.0}))
    with pytest.raises(TypeError, match="can't be cached"):
        cache_key(replace(CHAT, extra={"what": object()}))
