"""Routing of streams: falling back before the first content, explicit errors after it, closing."""

from __future__ import annotations

import asyncio

import pytest

from providers.errors import LLMProviderRateLimitError, LLMProviderServiceError
from providers.types import ChatChunk
from tests.providers.scripted import CHAT, HANG, Clock, ScriptedProvider, plan, router, target


def cut() -> LLMProviderServiceError:
    return LLMProviderServiceError("cut", status=200)


async def test_a_stream_gives_its_chunks_and_one_attempt():
    clock = Clock()
    provider = ScriptedProvider(["po", "ng"])
    stream = router(clock).execute_stream(plan(target(provider)), CHAT)

    texts = [chunk.text async for chunk in stream]

    assert texts == ["po", "ng"]
    assert stream.target is not None
    assert stream.target.name == "scripted/m"
    assert [(a.status, a.ttft_ms) for a in stream.attempts] == [("ok", 0.0)]


async def test_g20_a_stream_falls_back_until_it_says_something():
    role_only = ChatChunk(id="chunk-1")
    first, second = (
        ScriptedProvider([role_only, cut()], name="first", max_retries=0),
        ScriptedProvider(["pong"], name="second"),
    )
    stream = router(Clock()).execute_stream(plan(target(first), target(second)), CHAT)

    await stream.open()
    texts = [chunk.text async for chunk in stream]

    assert texts == ["pong"]
    assert [(a.provider, a.status) for a in stream.attempts] == [("first", "error"), ("second", "ok")]
    assert first.closed_streams == 1


async def test_what_came_before_the_first_content_is_passed_on():
    provider = ScriptedProvider([ChatChunk(id="a"), ChatChunk(id="b", text="pong")])

    chunks = [chunk async for chunk in router(Clock()).execute_stream(plan(target(provider)), CHAT)]

    assert [chunk.id for chunk in chunks] == ["a", "b"]


async def test_g20_a_stream_cut_after_its_first_content_ends_in_an_error_without_fallback():
    first, second = ScriptedProvider(["po", cut()], name="first"), ScriptedProvider(["never"], name="second")
    stream = router(Clock()).execute_stream(plan(target(first), target(second)), CHAT)
    seen = []

    async def read() -> None:
        async for chunk in stream:
            seen.append(chunk.text)  # noqa: PERF401 - what came before the error is what matters

    with pytest.raises(LLMProviderServiceError) as caught:
        await read()

    assert seen == ["po"]
    assert second.calls == []
    assert [a.status for a in stream.attempts] == ["error"]
    assert stream.attempts[0].error_class == "service"
    assert caught.value.attempts == stream.attempts
    assert list(caught.value.errors) == stream.errors


async def test_a_stream_that_ends_before_anything_came_falls_back():
    first, second = ScriptedProvider([], name="first", max_retries=0), ScriptedProvider(["pong"], name="second")
    stream = router(Clock()).execute_stream(plan(target(first), target(second)), CHAT)

    texts = [chunk.text async for chunk in stream]

    assert texts == ["pong"]


async def test_opening_fails_with_every_attempt():
    provider = ScriptedProvider(LLMProviderRateLimitError("slow down", status=429), max_retries=1)
    stream = router(Clock()).execute_stream(plan(target(provider)), CHAT)

    with pytest.raises(LLMProviderRateLimitError) as caught:
        await stream.open()

    assert len(caught.value.attempts) == 2
    assert stream.target is None


async def test_closing_a_stream_early_closes_the_upstream_and_marks_the_attempt():
    provider = ScriptedProvider(["po", "ng"])
    stream = router(Clock()).execute_stream(plan(target(provider)), CHAT)

    async with stream:
        first = await anext(stream)

    assert first.text == "po"
    assert provider.closed_streams == 1
    assert [a.status for a in stream.attempts] == ["cancelled"]
    assert [chunk async for chunk in stream] == []


async def test_cancelling_the_reader_closes_the_upstream_and_marks_the_attempt():
    provider = ScriptedProvider(["po", HANG])
    stream = router(Clock()).execute_stream(plan(target(provider)), CHAT)
    await stream.open()

    async def read() -> None:
        async for _ in stream:
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert provider.closed_streams == 1
    assert [a.status for a in stream.attempts] == ["cancelled"]


async def test_cancelling_while_opening_leaves_a_cancelled_attempt():
    provider = ScriptedProvider([HANG])
    stream = router(Clock()).execute_stream(plan(target(provider)), CHAT)
    opening = asyncio.create_task(stream.open())
    await asyncio.sleep(0)

    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert provider.closed_streams == 1
    assert [a.status for a in stream.attempts] == ["cancelled"]


async def test_the_deadline_of_a_stream_ends_with_its_first_content():
    clock = Clock()

    def late() -> list[str]:
        return ["po", "ng"]

    stream = router(clock).execute_stream(plan(target(ScriptedProvider(late)), deadline_s=10), CHAT)
    await stream.open()
    clock.seconds += 60

    assert [chunk.text async for chunk in stream] == ["po", "ng"]
