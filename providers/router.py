"""Execute a plan: key, retry, fallback and deadline, with an attempt for every try.

Same target again: exponential backoff with full jitter, `Retry-After` obeyed, retryable errors only, never after the
first content of a stream. Another key of the same provider: on 401, 402, 403 and 429. Another target: when the error
fails over; a prompt too long for a model goes to a target with a larger window only.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from providers.errors import LLMProviderError, LLMProviderServiceError
from providers.execution import Answered, Exchange, Run, as_provider_error, note_error
from providers.fitting import fit
from providers.health import HealthBoard
from providers.plan import Attempt, Outcome, Plan, PlannedKey, PlannedTarget
from providers.preview import Foreseen, preview
from providers.quotas import KeyQuotas, count_tokens
from providers.strategies import RoutingState
from providers.surroundings import Renew, Surroundings
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    CompletionResponse,
    EmbeddingRequest,
    EmbeddingResponse,
)

__all__ = ["Attempt", "Outcome", "Plan", "PlannedKey", "PlannedTarget", "Router", "StreamOutcome"]

Response = TypeVar("Response", bound=ChatResponse | CompletionResponse | EmbeddingResponse)

_MAX_EMPTY_CHUNKS = 64


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _same_keys(_target: PlannedTarget) -> Sequence[PlannedKey]:
    return ()


class Router:
    """Sends calls where their plan says. One for the process; everything that it remembers is bounded."""

    def __init__(
        self,
        *,
        health: HealthBoard | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: Callable[[], float] = random.random,
        renew: Renew | None = None,
    ) -> None:
        """`renew` gives a target's keys as they are by now, for a call whose own were all refused."""
        self.health = health or HealthBoard(clock=clock)
        self.quotas = KeyQuotas(clock=clock)
        self._plain = Surroundings(
            self.health, self.quotas, RoutingState(rng=rng, clock=clock), clock, now, sleep, rng, renew or _same_keys
        )
        # Streams are compared by when they begin, whole answers by when they end, so each has a memory of its own.
        self._streamed = Surroundings(
            self.health, self.quotas, RoutingState(rng=rng, clock=clock), clock, now, sleep, rng, renew or _same_keys
        )

    async def execute(
        self, plan: Plan, request: ChatRequest, *, attempts: list[Attempt] | None = None
    ) -> Outcome[ChatResponse]:
        """A chat's whole answer. `attempts`, if given, is filled while the call runs, so that it outlives a cancel."""

        def exchange(target: PlannedTarget, api_key: str | None, timeout_s: float) -> Awaitable[ChatResponse]:
            return target.provider.exchange_chat(fit(request, target), api_key=api_key, timeout_s=timeout_s)

        return await self._whole(plan, exchange, attempts)

    async def execute_completion(
        self, plan: Plan, request: CompletionRequest, *, attempts: list[Attempt] | None = None
    ) -> Outcome[CompletionResponse]:
        def exchange(target: PlannedTarget, api_key: str | None, timeout_s: float) -> Awaitable[CompletionResponse]:
            return target.provider.exchange_completion(fit(request, target), api_key=api_key, timeout_s=timeout_s)

        return await self._whole(plan, exchange, attempts)

    async def execute_embedding(
        self, plan: Plan, request: EmbeddingRequest, *, attempts: list[Attempt] | None = None
    ) -> Outcome[EmbeddingResponse]:
        def exchange(target: PlannedTarget, api_key: str | None, timeout_s: float) -> Awaitable[EmbeddingResponse]:
            return target.provider.exchange_embed(fit(request, target), api_key=api_key, timeout_s=timeout_s)

        return await self._whole(plan, exchange, attempts)

    def execute_stream(
        self, plan: Plan, request: ChatRequest, *, attempts: list[Attempt] | None = None
    ) -> StreamOutcome:
        """A chat's answer piece by piece: `await outcome.open()`, then iterate it, and close it in any case."""

        def start(target: PlannedTarget, api_key: str | None, timeout_s: float) -> AsyncIterator[ChatChunk]:
            return target.provider.exchange_chat_stream(fit(request, target), api_key=api_key, timeout_s=timeout_s)

        return StreamOutcome(plan, start, self._streamed, attempts=attempts)

    def execute_completion_stream(
        self, plan: Plan, request: CompletionRequest, *, attempts: list[Attempt] | None = None
    ) -> StreamOutcome:
        def start(target: PlannedTarget, api_key: str | None, timeout_s: float) -> AsyncIterator[ChatChunk]:
            return target.provider.exchange_completion_stream(
                fit(request, target), api_key=api_key, timeout_s=timeout_s
            )

        return StreamOutcome(plan, start, self._streamed, attempts=attempts)

    def preview(self, plan: Plan) -> list[Foreseen]:
        """In which order `execute` would try the plan's targets now. Nothing is called, and nothing moves on."""
        return preview(plan, self._plain)

    async def _whole(
        self, plan: Plan, exchange: Exchange[Response], attempts: list[Attempt] | None
    ) -> Outcome[Response]:
        run = Run(plan, exchange, self._plain, attempts=attempts)
        answered = await run.answer()
        self._plain.state.note_latency(answered.target.name, answered.attempt.latency_ms)
        if self.quotas.is_counted(answered.key_id):
            self.quotas.note_tokens(answered.key_id, answered.result.usage)
        return Outcome(answered.result, run.attempts, answered.target, run.errors)


class _Opened(NamedTuple):
    chunks: AsyncIterator[ChatChunk]
    head: list[ChatChunk]


class StreamOutcome:
    """A streamed answer. `attempts` and `target` are live; iterating gives the chunks of the target that answered.

    Targets change only until the first chunk that says something: what comes before it (roles, ids) is held back. A
    stream that fails later raises, so it never looks complete. `aclose()` before the end, or cancelling the task, closes
    the upstream and leaves an attempt with status `cancelled`.
    """

    def __init__(
        self,
        plan: Plan,
        start: Callable[[PlannedTarget, str | None, float], AsyncIterator[ChatChunk]],
        around: Surroundings,
        *,
        attempts: list[Attempt] | None = None,
    ) -> None:
        async def exchange(target: PlannedTarget, api_key: str | None, timeout_s: float) -> _Opened:
            chunks = start(target, api_key, timeout_s)
            try:
                return _Opened(chunks, await _read_head(chunks))
            except BaseException:
                await _close(chunks)
                raise

        self._around = around
        self._run: Run[_Opened] = Run(plan, exchange, around, attempts=attempts)
        self._answered: Answered[_Opened] | None = None
        self._head: list[ChatChunk] = []
        self._opened_at = 0.0
        self._is_done = False

    @property
    def attempts(self) -> list[Attempt]:
        return self._run.attempts

    @property
    def errors(self) -> list[LLMProviderError]:
        return self._run.errors

    @property
    def target(self) -> PlannedTarget | None:
        """Who answers; None until the stream is open."""
        return self._answered.target if self._answered else None

    async def open(self) -> None:
        """Run until the first chunk that says something has come, falling back before it. Raises the error tree."""
        if self._answered is not None:
            return
        answered = await self._run.answer()
        answered.attempt.ttft_ms = answered.attempt.latency_ms
        self._opened_at = self._around.clock()
        self._around.state.note_latency(answered.target.name, answered.attempt.latency_ms)
        self._head = answered.result.head[::-1]
        self._answered = self._counted(answered)

    def _counted(self, answered: Answered[_Opened]) -> Answered[_Opened]:
        """Where the key has a limit, its tokens are counted as the stream goes by."""
        quotas, key_id = self._around.quotas, answered.key_id
        if not quotas.is_counted(key_id):
            return answered
        head, chunks = answered.result.head, answered.result.chunks
        seen = next((chunk.usage for chunk in reversed(head) if chunk.usage is not None), None)
        return answered._replace(result=_Opened(count_tokens(chunks, quotas, key_id, seen=seen), head))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatChunk:
        if self._answered is None:
            await self.open()
        if self._head:
            return self._head.pop()
        if self._is_done or self._answered is None:
            raise StopAsyncIteration
        try:
            return await self._answered.result.chunks.__anext__()
        except StopAsyncIteration:
            self._settle(self._answered)
            raise
        except asyncio.CancelledError:
            await self._cancel(self._answered)
            raise
        except Exception as problem:  # noqa: BLE001 - raised again, within the error tree
            raise self._break(self._answered, problem) from problem.__cause__

    async def aclose(self) -> None:
        """Close the upstream. Before the end that is a cancelled attempt; after it nothing."""
        if self._answered is not None and not self._is_done:
            await self._cancel(self._answered)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _settle(self, answered: Answered[_Opened]) -> None:
        self._is_done = True
        answered.attempt.latency_ms += (self._around.clock() - self._opened_at) * 1000

    async def _cancel(self, answered: Answered[_Opened]) -> None:
        self._settle(answered)
        self._head = []
        answered.attempt.status = "cancelled"
        await _close(answered.result.chunks)

    def _break(self, answered: Answered[_Opened], problem: Exception) -> LLMProviderError:
        self._settle(answered)
        error = as_provider_error(problem, answered.target)
        note_error(answered.attempt, error)
        self._run.errors.append(error)
        self._run.blame(error, answered.target, key_id=answered.key_id)
        return self._run.with_history(error)


async def _read_head(chunks: AsyncIterator[ChatChunk]) -> list[ChatChunk]:
    """The chunks up to the first that says something. Raises where the stream ends before."""
    head: list[ChatChunk] = []
    async for chunk in chunks:
        head.append(chunk)
        says_something = chunk.text or chunk.reasoning or chunk.tool_calls or chunk.finish_reason
        if says_something or len(head) >= _MAX_EMPTY_CHUNKS:
            return head
    if not head:
        raise LLMProviderServiceError("The stream ended before anything came.", code="empty_stream")
    return head


async def _close(chunks: AsyncIterator[ChatChunk]) -> None:
    close: Any = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
