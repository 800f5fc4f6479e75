"""A stream that may be opened again: what its caller sees, and what becomes of the streams beneath."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers import ChatChunk, LLMProviderInvalidRequestError, LLMProviderServiceError
from providers.base.retried_stream import RetriedStream
from providers.retry import RetryPolicy

POLICY = RetryPolicy(max_retries=2, delay_s=0.0)


class Streams:
    """Gives one stream after another; each step of one is a text or an error."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)
        self.started = 0
        self.closed = 0
        self.has_started = asyncio.Event()
        self.has_closed = asyncio.Event()

    async def __call__(self) -> AsyncIterator[ChatChunk]:
        self.started += 1
        self.has_started.set()
        try:
            for step in self.scripts.pop(0):
                if step is None:
                    await asyncio.Event().wait()
                if isinstance(step, Exception):
                    raise step
                yield ChatChunk(text=step)
        finally:
            self.closed += 1
            self.has_closed.set()


async def test_a_stream_that_fails_before_its_first_chunk_is_opened_again():
    streams = Streams([LLMProviderServiceError("down")], ["a", "b"])

    texts = [chunk.text async for chunk in RetriedStream(streams, POLICY)]

    assert (texts, streams.started, streams.closed) == (["a", "b"], 2, 2)


async def test_a_stream_that_fails_later_is_not():
    streams = Streams(["a", LLMProviderServiceError("down")], ["never"])
    stream = RetriedStream(streams, POLICY)

    assert (await anext(stream)).text == "a"
    with pytest.raises(LLMProviderServiceError):
        await anext(stream)

    assert streams.started == 1
    assert await anext(stream, None) is None


async def test_a_stream_that_can_not_be_opened_stays_over():
    streams = Streams([LLMProviderInvalidRequestError("no")], ["never"])
    stream = RetriedStream(streams, POLICY)

    with pytest.raises(LLMProviderInvalidRequestError):
        await anext(stream)

    assert await anext(stream, None) is None
    assert streams.started == 1


async def test_an_empty_stream_is_empty():
    assert [chunk async for chunk in RetriedStream(Streams([]), POLICY)] == []


@pytest.mark.parametrize("chunks_read", [0, 1])
async def test_a_closed_stream_gives_nothing_more(chunks_read: int):
    streams = Streams(["a", "b"])
    stream = RetriedStream(streams, POLICY)
    for _ in range(chunks_read):
        await anext(stream)

    await stream.aclose()
    await stream.aclose()

    assert await anext(stream, None) is None
    assert (streams.started, streams.closed) == (chunks_read, chunks_read)


@pytest.mark.parametrize("first", [[], ["a"]], ids=["while it opens", "later"])
async def test_cancelling_the_reader_closes_the_stream_beneath(first: list[Any]):
    streams = Streams([*first, None])

    async def read_all() -> list[ChatChunk]:
        return [chunk async for chunk in RetriedStream(streams, POLICY)]

    task = asyncio.create_task(read_all())
    await streams.has_started.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert streams.closed == 1


async def test_letting_go_of_a_stream_closes_the_one_beneath():
    streams = Streams(["a", "b"])
    stream = RetriedStream(streams, POLICY)
    await anext(stream)

    del stream
    gc.collect()

    async with asyncio.timeout(10):
        await streams.has_closed.wait()
