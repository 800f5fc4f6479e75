"""What an application gets back: results as plain dicts, streams and batches for sync and async callers alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, overload

from providers.cost import price_usage
from providers.plan import Attempt, PlannedTarget
from providers.sync import background_loop, iterate_sync
from providers.types import METERS, ChatChunk, ChatResponse, ToolCall, Usage

Result = dict[str, Any]


def cost_of(usage: Usage | None, target: PlannedTarget, stated_usd: str | None) -> Decimal | None:
    """The call's cost by the config's price, else what the vendor itself states, else None."""
    cost = None if usage is None else price_usage(usage, target.price)
    return Decimal(stated_usd) if cost is None and stated_usd is not None else cost


def usage_dict(usage: Usage | None) -> dict[str, int | None]:
    """The meters by name; each None where the vendor reported nothing."""
    return dict.fromkeys(METERS) if usage is None else {**usage.as_dict()}


def result_of(
    response: ChatResponse,
    *,
    requested: str,
    target: str,
    provider: str,
    cost_usd: Decimal | None,
    latency_ms: float,
    attempts: Sequence[Attempt],
    is_cached: bool = False,
    side: str = "",
) -> Result:
    """A whole answer as the dict that `call_model` returns. `side` is that of the alias's canary, where it has one."""
    return {
        "response": response.text,
        "model": target,
        "provider": provider,
        "usage": usage_dict(response.usage),
        "cost_usd": cost_usd,
        "latency_ms": latency_ms,
        "attempts": [attempt.as_dict() for attempt in attempts],
        "requested": requested,
        "finish_reason": response.finish_reason,
        "tool_calls": [call.to_openai() for call in response.tool_calls],
        "reasoning": response.reasoning,
        "id": response.id,
        "cached": is_cached,
        "side": side,
    }


class Gathering:
    """A streamed answer put together again."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls: dict[int, ToolCall] = {}
        self._last = ChatChunk()

    def add(self, chunk: ChatChunk) -> None:
        self._text.append(chunk.text)
        self._reasoning.append(chunk.reasoning)
        for piece in chunk.tool_calls:
            call = self._tool_calls.setdefault(piece.index, ToolCall(id="", name="", arguments=""))
            call.id = piece.id or call.id
            call.name = piece.name or call.name
            call.arguments += piece.arguments
            call.extra_content = piece.extra_content or call.extra_content
        for name in ("finish_reason", "usage", "cost_usd", "id", "model"):
            value = getattr(chunk, name)
            if value:
                setattr(self._last, name, value)

    def response(self, target: PlannedTarget) -> ChatResponse:
        return ChatResponse(
            text="".join(self._text),
            model=self._last.model or target.model,
            provider=target.provider_name,
            finish_reason=self._last.finish_reason or "stop",
            tool_calls=[self._tool_calls[index] for index in sorted(self._tool_calls)],
            reasoning="".join(self._reasoning),
            usage=self._last.usage,
            id=self._last.id,
            cost_usd=self._last.cost_usd,
        )


class ModelStream:
    """A streamed answer: `for chunk in stream` or `async for chunk in stream`, once.

    `result` is the dict that `call_model` would have returned; it is complete when the stream is, and None before.
    Leaving the loop early closes the connection to the vendor.
    """

    def __init__(self, chunks: Callable[[ModelStream], AsyncGenerator[ChatChunk, None]]) -> None:
        self._chunks = chunks(self)
        self.result: Result | None = None

    def __aiter__(self) -> AsyncIterator[ChatChunk]:
        return self._chunks

    def __iter__(self) -> Iterator[ChatChunk]:
        return iterate_sync(self._chunks)

    async def aclose(self) -> None:
        await self._chunks.aclose()


class Batch(Sequence[Result]):
    """Results of many calls, in the order of the requests. It runs from the start; reading it waits for the end.

    `await batch` gives the list without blocking the event loop.
    """

    def __init__(self, future: Future[list[Result]]) -> None:
        self._future = future

    def result(self, timeout_s: float | None = None) -> list[Result]:
        return self._future.result(timeout_s)

    def cancel(self) -> None:
        """Stop: calls in flight are cancelled, the others never begin."""
        self._future.cancel()

    def __await__(self) -> Generator[Any, None, list[Result]]:
        return asyncio.wrap_future(self._future).__await__()

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        return self.result()[index]

    def __len__(self) -> int:
        return len(self.result())


def start_batch(
    call: Callable[[Any], Any],
    requests: Sequence[Any],
    *,
    concurrency: int,
    progress: Callable[[int, int], None] | None,
) -> Batch:
    """Run `await call(request)` for every request, at most `concurrency` at once, on the background loop."""
    running = run_batch(call, requests, concurrency=concurrency, progress=progress)
    return Batch(asyncio.run_coroutine_threadsafe(running, background_loop()))


async def run_batch(
    call: Callable[[Any], Any],
    requests: Sequence[Any],
    *,
    concurrency: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The same on the running loop. `progress(done, total)` is called after each call."""
    if concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, not {concurrency}.")
    results: list[Result] = [{} for _ in requests]
    waiting = iter(enumerate(requests))
    done = 0

    async def work() -> None:
        nonlocal done
        for index, request in waiting:
            results[index] = await call(request)
            done += 1
            if progress is not None:
                progress(done, len(requests))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(requests))):
            group.create_task(work())
    return results
