"""Rate limit headers: a key whose limit is used up is left alone until the vendor's reset."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from providers import create_provider
from providers.errors import LLMProviderRateLimitError
from providers.health import Circuit
from providers.limits import find_exhausted, limit_listener, note_limits, read_reset_s
from providers.plan import PlannedKey, PlannedTarget
from tests.providers.scripted import CHAT, Clock, plan, router
from tests.providers.test_manager import chat, chunks
from tests.providers.upstream import Upstream, UpstreamServer

USED_UP = {
    "content-type": "application/json",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1m30s",
}


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("12", 12), ("0.5s", 0.5), ("1d", 86_400)],
)
def test_durations_are_read_as_vendors_write_them(text, seconds):
    assert read_reset_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "write", [str, lambda at: str(at * 1000), lambda at: datetime.fromtimestamp(at, UTC).isoformat()]
)
def test_moments_are_read_as_the_time_until_them(write):
    assert read_reset_s(write(int(time.time()) + 3600)) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("text", ["", "soon", "-4", "nan", "inf", "1.2.3s", "9999999999999999999", "2026-99-99"])
def test_what_is_no_time_is_passed_over(text):
    assert read_reset_s(text) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "30s"},
        {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "30"},
        {"ratelimit-remaining": "0", "ratelimit-reset": "30"},
    ],
    ids=["openai", "anthropic", "ietf"],
)
def test_the_reset_stands_beside_what_remains(headers):
    found = find_exhausted(raw({"content-type": "text/plain", **headers}))

    assert found is not None
    assert found.wait_s == 30


def test_of_several_limits_the_longest_counts_and_what_still_remains_says_nothing():
    headers = {"x-remaining-a": "0", "x-reset-a": "5", "x-remaining-b": "0", "x-reset-b": "9", "x-remaining-c": "7"}

    assert find_exhausted(raw({**headers, "x-reset-c": "99"})) == ("x-remaining-b", 9)
    assert find_exhausted(raw({"x-remaining-a": "0"})) is None


def test_nobody_is_told_where_something_remains():
    heard = []
    token = limit_listener.set(heard.append)

    note_limits(raw({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9", "age": "0"}))

    limit_listener.reset(token)
    assert heard == []


@pytest.fixture
async def targeted() -> AsyncIterator[Callable[..., PlannedTarget]]:
    """Makes a target at an upstream, with keys of these ids."""
    made = []

    def make(upstream: Upstream, *keys: str, name: str = "lab") -> PlannedTarget:
        provider = create_provider("local", base_url=upstream.base_url, max_retries=0)
        made.append(provider)
        planned = tuple(PlannedKey(id=key, label=key, reveal=lambda key=key: f"test-key-{key}") for key in keys)
        return PlannedTarget(provider=provider, provider_name=name, model="m", keys=planned)

    yield make
    for provider in made:
        await provider.shutdown()


async def test_a_key_whose_limit_is_used_up_rests_until_the_reset(targeted, upstream: Upstream):
    clock = Clock()
    route, keyed = router(clock), plan(targeted(upstream, "one", "two"), affinity="someone")
    upstream.answer(200, chat(), headers=USED_UP)
    upstream.answer(200, chat())

    first = (await route.execute(keyed, CHAT)).attempts[0].key_id
    while_it_rests = [(await route.execute(keyed, CHAT)).attempts[0].key_id for _ in range(2)]
    clock.seconds += 91
    afterwards = [(await route.execute(keyed, CHAT)).attempts[0].key_id for _ in range(2)]

    assert first not in while_it_rests
    assert afterwards == [first, first]
    assert route.health.is_quiet


async def test_a_stream_says_so_too(targeted, upstream: Upstream):
    route = router(Clock())
    pieces = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks("po", "ng")]
    upstream.answer(pieces=[*pieces, b"data: [DONE]\n\n"], headers={**USED_UP, "content-type": "text/event-stream"})

    async with route.execute_stream(plan(targeted(upstream, "one")), CHAT) as outcome:
        [_ async for _ in outcome]

    (state,) = route.health.snapshot()
    assert (state.scope, state.name, state.state) == ("key", "one", "cooling")
    assert (state.error_class, state.recent_failures) == ("rate_limit", 0)
    assert "x-ratelimit-remaining-requests" in state.reason


async def test_without_a_key_the_model_rests_and_the_next_target_answers(
    targeted, upstream: Upstream, upstream_server: UpstreamServer
):
    other = upstream_server.new()
    route = router(Clock())
    upstream.answer(200, chat(), headers=USED_UP)
    other.answer(200, chat())
    both = plan(targeted(upstream), targeted(other, name="other"))

    await route.execute(both, CHAT)
    await route.execute(both, CHAT)

    assert route.health.state(Circuit("model", "lab/m")) == "cooling"
    assert (len(upstream.seen), len(other.seen)) == (1, 1)


async def test_a_rate_limit_error_without_retry_after_takes_the_wait_from_the_reset(targeted, upstream: Upstream):
    upstream.answer(429, {"error": {"message": "slow down"}}, headers=USED_UP)
    provider = targeted(upstream).provider

    with pytest.raises(LLMProviderRateLimitError) as refused:
        await provider.chat_completion(CHAT)

    assert refused.value.retry_after_s == 90
