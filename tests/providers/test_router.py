"""Routing of whole answers: keys, retries, fallbacks, deadlines, attempts."""

from __future__ import annotations

import asyncio

import pytest

from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderConnectionError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
)
from providers.plan import Attempt, PlannedKey, PlannedTarget
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest
from tests.providers.scripted import CHAT, HANG, Clock, ScriptedProvider, plan, router, target


def limited(**details: object) -> LLMProviderError:
    return LLMProviderRateLimitError("slow down", status=429, **details)


def overloaded() -> LLMProviderError:
    return LLMProviderServiceError("overloaded", provider="first", model="m", status=529, request_id="req-1")


async def test_the_first_target_answers_and_leaves_one_attempt():
    clock = Clock()
    first, second = ScriptedProvider("pong", name="first"), ScriptedProvider("never", name="second")

    outcome = await router(clock).execute(plan(target(first), target(second)), CHAT)

    assert outcome.response.text == "pong"
    assert outcome.target.name == "first/m"
    assert outcome.attempts == [
        Attempt("first", "m", None, "ok", started_at=clock.now(), latency_ms=0.0, upstream_status=200)
    ]
    assert second.calls == []


async def test_a_retryable_error_is_retried_at_the_same_target_with_growing_waits():
    clock = Clock()
    provider = ScriptedProvider(overloaded(), overloaded(), "pong", retry_delay_s=0.5)

    outcome = await router(clock).execute(plan(target(provider)), CHAT)

    assert clock.slept == [0.5, 1.0]
    assert [attempt.status for attempt in outcome.attempts] == ["error", "error", "ok"]


async def test_the_next_target_answers_when_the_retries_are_used_up():
    clock = Clock()
    first, second = ScriptedProvider(overloaded(), name="first", max_retries=1), ScriptedProvider(name="second")

    outcome = await router(clock).execute(plan(target(first), target(second)), CHAT)

    assert [(a.provider, a.status, a.upstream_status) for a in outcome.attempts] == [
        ("first", "error", 529),
        ("first", "error", 529),
        ("second", "ok", 200),
    ]
    assert outcome.attempts[0].error_class == "service"
    assert outcome.attempts[0].request_id == "req-1"
    assert outcome.attempts[0].message == "overloaded"


async def test_retry_after_is_waited_for():
    clock = Clock()
    provider = ScriptedProvider(limited(retry_after_s=20.0), "pong")

    await router(clock).execute(plan(target(provider)), CHAT)

    assert clock.slept == [20.0]


async def test_a_long_retry_after_sends_the_call_to_the_next_target_at_once():
    clock = Clock()
    first, second = ScriptedProvider(limited(retry_after_s=20.0), name="first"), ScriptedProvider(name="second")

    outcome = await router(clock).execute(plan(target(first), target(second)), CHAT)

    assert clock.slept == []
    assert [attempt.provider for attempt in outcome.attempts] == ["first", "second"]


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for():
    clock = Clock()
    provider = ScriptedProvider(limited(retry_after_s=20.0))

    with pytest.raises(LLMProviderRateLimitError):
        await router(clock).execute(plan(target(provider), deadline_s=10), CHAT)

    assert clock.slept == []
    assert len(provider.calls) == 1


async def test_no_target_is_asked_once_the_deadline_has_passed():
    clock = Clock()

    def slow_failure() -> LLMProviderError:
        clock.seconds += 11
        return overloaded()

    first, second = ScriptedProvider(slow_failure, name="first"), ScriptedProvider(name="second")

    with pytest.raises(LLMProviderServiceError):
        await router(clock).execute(plan(target(first), target(second), deadline_s=10), CHAT)

    assert second.calls == []


async def test_each_call_gets_what_is_left_of_the_deadline():
    clock = Clock()
    provider = ScriptedProvider(overloaded(), "pong", timeout_s=60, retry_delay_s=4)

    await router(clock).execute(plan(target(provider), deadline_s=10), CHAT)

    assert [timeout_s for _, _, timeout_s in provider.calls] == [10, 6]


async def test_a_hanging_call_ends_in_a_timeout_at_the_deadline():
    provider = ScriptedProvider(HANG)

    with pytest.raises(LLMProviderTimeoutError) as caught:
        await router(Clock()).execute(plan(target(provider), deadline_s=0.01, max_retries=0), CHAT)

    assert caught.value.code == "deadline"
    assert [attempt.error_class for attempt in caught.value.attempts] == ["timeout"]


@pytest.mark.parametrize(
    "error",
    [
        LLMProviderAuthenticationError("bad key", status=401),
        LLMProviderAuthenticationError("not allowed", status=403),
        LLMProviderRateLimitError("slow down", status=429),
        LLMProviderResourceExhaustedError("no quota", status=429),
    ],
)
async def test_another_key_of_the_same_provider_is_tried_without_waiting(error):
    clock = Clock()
    provider = ScriptedProvider(error, "pong")

    outcome = await router(clock).execute(plan(target(provider, keys=["one", "two"])), CHAT)

    assert {api_key for _, api_key, _ in provider.calls} == {"secret-one", "secret-two"}
    assert len({attempt.key_id for attempt in outcome.attempts}) == 2
    assert clock.slept == []


async def test_a_failing_server_is_not_asked_again_with_another_key():
    provider = ScriptedProvider(LLMProviderServiceError("broken", status=500), max_retries=1)

    with pytest.raises(LLMProviderServiceError) as caught:
        await router(Clock()).execute(plan(target(provider, keys=["one", "two"])), CHAT)

    assert len({attempt.key_id for attempt in caught.value.attempts}) == 1


async def test_a_key_is_revealed_only_when_its_call_is_made():
    revealed = []

    def key(name: str) -> PlannedKey:
        return PlannedKey(name, reveal=lambda: revealed.append(name) or name)

    provider = ScriptedProvider("pong")
    keyed = PlannedTarget(provider=provider, provider_name="p", model="m", keys=(key("one"), key("two")))

    await router(Clock()).execute(plan(keyed), CHAT)

    assert len(revealed) == 1


async def test_a_key_that_cannot_be_read_counts_as_refused_and_the_next_is_tried():
    def unreadable() -> str:
        raise RuntimeError("wrong encryption key: plaintext follows")

    provider = ScriptedProvider("pong", name="p")
    keys = (PlannedKey("one", reveal=unreadable, weight=5), PlannedKey("two", reveal=lambda: "good", weight=0))
    keyed = PlannedTarget(provider=provider, provider_name="p", model="m", keys=keys)

    outcome = await router(Clock()).execute(plan(keyed), CHAT)

    assert [attempt.error_class for attempt in outcome.attempts] == ["authentication", None]
    assert "plaintext" not in outcome.attempts[0].message


async def test_an_invalid_request_goes_nowhere_else():
    first = ScriptedProvider(LLMProviderInvalidRequestError("no such field", status=400), name="first")
    second = ScriptedProvider(name="second")

    with pytest.raises(LLMProviderInvalidRequestError):
        await router(Clock()).execute(plan(target(first), target(second)), CHAT)

    assert len(first.calls) == 1
    assert second.calls == []


async def test_a_prompt_too_long_goes_only_to_a_target_with_a_larger_window():
    too_long = LLMProviderInvalidRequestError("too long", status=400, exceeds_context=True)
    small = ScriptedProvider(too_long, name="small")
    same, unknown, large = (ScriptedProvider(name=name) for name in ("same", "unknown", "large"))

    outcome = await router(Clock()).execute(
        plan(
            target(small, context_window=8_000),
            target(same, context_window=8_000),
            target(unknown),
            target(large, context_window=128_000),
        ),
        CHAT,
    )

    assert [attempt.provider for attempt in outcome.attempts] == ["small", "large"]


async def test_a_prompt_too_long_for_all_says_so():
    too_long = LLMProviderInvalidRequestError("too long", status=400, exceeds_context=True)
    first, second = ScriptedProvider(too_long, name="first"), ScriptedProvider(name="second")

    with pytest.raises(LLMProviderInvalidRequestError):
        await router(Clock()).execute(
            plan(target(first, context_window=8_000), target(second, context_window=4_000)), CHAT
        )

    assert second.calls == []


async def test_g21_the_error_of_a_fallback_never_hides_the_first_one():
    first = ScriptedProvider(overloaded(), name="first", max_retries=0)
    second = ScriptedProvider(limited(provider="second"), name="second", max_retries=0)

    with pytest.raises(LLMProviderServiceError) as caught:
        await router(Clock()).execute(plan(target(first), target(second)), CHAT)

    assert caught.value.status == 529
    assert [error.status for error in caught.value.errors] == [529, 429]
    assert [attempt.upstream_status for attempt in caught.value.attempts] == [529, 429]


async def test_error_classes_named_by_the_provider_decide_what_is_retried():
    provider = ScriptedProvider(overloaded(), retry_on=frozenset({"timeout"}))

    with pytest.raises(LLMProviderServiceError):
        await router(Clock()).execute(plan(target(provider)), CHAT)

    assert len(provider.calls) == 1


async def test_error_classes_named_by_the_provider_decide_what_falls_back():
    first = ScriptedProvider(
        LLMProviderModelError("gone", status=404), name="first", fallback_on=frozenset({"timeout"})
    )
    second = ScriptedProvider(name="second")

    with pytest.raises(LLMProviderModelError):
        await router(Clock()).execute(plan(target(first), target(second)), CHAT)

    assert second.calls == []


async def test_a_fault_in_an_adapter_does_not_keep_the_next_target_from_answering():
    first, second = ScriptedProvider(ZeroDivisionError("internals"), name="first"), ScriptedProvider(name="second")

    outcome = await router(Clock()).execute(plan(target(first), target(second)), CHAT)

    assert [attempt.error_class for attempt in outcome.attempts] == ["service", None]
    assert "internals" not in outcome.attempts[0].message


async def test_a_plan_without_targets_says_what_to_do():
    with pytest.raises(LLMProviderServiceError, match="'fast' has no target") as caught:
        await router(Clock()).execute(plan(requested="fast"), CHAT)

    assert caught.value.code == "no_target"
    assert caught.value.attempts == []


async def test_a_cancelled_call_leaves_a_cancelled_attempt():
    attempts: list[Attempt] = []
    provider = ScriptedProvider(HANG)
    call = asyncio.create_task(router(Clock()).execute(plan(target(provider)), CHAT, attempts=attempts))
    await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert [attempt.status for attempt in attempts] == ["cancelled"]


async def test_a_target_that_keeps_failing_is_asked_last_until_its_pause_is_over():
    clock = Clock()
    first = ScriptedProvider(LLMProviderConnectionError("refused"), "pong", name="first", max_retries=0)
    second = ScriptedProvider(name="second")
    route, both = router(clock, min_failures=1, cooling_s=5), plan(target(first), target(second))

    while_failing = await route.execute(both, CHAT)
    while_cooling = await route.execute(both, CHAT)
    clock.seconds += 6
    after_the_pause = await route.execute(both, CHAT)

    assert [a.provider for a in while_failing.attempts] == ["first", "second"]
    assert [a.provider for a in while_cooling.attempts] == ["second"]
    assert [a.provider for a in after_the_pause.attempts] == ["first"]


async def test_the_only_target_is_asked_even_while_it_cools():
    provider = ScriptedProvider(LLMProviderConnectionError("refused"), "pong", max_retries=0)
    route = router(Clock(), min_failures=1)
    with pytest.raises(LLMProviderConnectionError):
        await route.execute(plan(target(provider)), CHAT)

    outcome = await route.execute(plan(target(provider)), CHAT)

    assert outcome.response.text == "pong"


async def test_a_refused_key_is_left_alone_while_another_works():
    provider = ScriptedProvider(LLMProviderAuthenticationError("bad key", status=401), "pong")
    route, keyed = router(Clock()), plan(target(provider, keys=["one", "two"]), affinity="someone")

    first = await route.execute(keyed, CHAT)
    second = await route.execute(keyed, CHAT)

    assert len(first.attempts) == 2
    assert [attempt.key_id for attempt in second.attempts] == [first.attempts[-1].key_id]


async def test_a_target_whose_every_key_was_refused_is_asked_last():
    first = ScriptedProvider(LLMProviderAuthenticationError("bad key", status=401), name="first")
    route, both = router(Clock()), plan(target(first, keys=["one"]), target(ScriptedProvider(name="second")))

    attempts = [[a.provider for a in (await route.execute(both, CHAT)).attempts] for _ in range(2)]

    assert attempts == [["first", "second"], ["second"]]


async def test_parameters_of_the_target_fill_what_the_request_leaves_open():
    provider = ScriptedProvider()
    request = ChatRequest(model="alias", messages=[], temperature=0.0, extra={"mine": 1}, headers={"x-a": "call"})
    planned = target(provider, model="real", temperature=0.9, max_tokens=50, mine=2, vendor_flag=True)

    await router(Clock()).execute(plan(planned), request)

    sent = provider.calls[0][0]
    assert (sent.model, sent.temperature, sent.max_tokens) == ("real", 0.0, 50)
    assert sent.extra == {"mine": 1, "vendor_flag": True}
    assert (request.model, request.max_tokens, request.extra) == ("alias", None, {"mine": 1})


async def test_completions_and_embeddings_take_the_same_road():
    first = ScriptedProvider(overloaded(), name="first", max_retries=0)
    second = ScriptedProvider("done", [[0.5]], name="second")
    route, both = router(Clock()), plan(target(first, temperature=0.5), target(second, temperature=0.5))

    completion = await route.execute_completion(both, CompletionRequest(model="alias", prompt="x"))
    embedding = await route.execute_embedding(both, EmbeddingRequest(model="alias", input=["x"]))

    assert completion.response.text == "done"
    assert embedding.response.embeddings == [[0.5]]
    assert [attempt.provider for attempt in embedding.attempts] == ["first", "second"]
    assert second.calls[1][0].extra == {}
