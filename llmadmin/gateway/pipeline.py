"""authenticate ▸ parse ▸ admit ▸ plan ▸ unlock ▸ execute ▸ price ▸ record: the one way of a call, whoever makes it.

The gateway's endpoints and the playground come in here with a caller and a parsed request. Keys are unlocked by the
router, at the moment at which it calls a target (`snapshot.reveal`); prices and records are settled in `calls`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import structlog

from llmadmin.core import request_id as request_ids
from llmadmin.gateway import caching, stops
from llmadmin.gateway.admission import admit
from llmadmin.gateway.callers import Caller
from llmadmin.gateway.calls import Call
from llmadmin.gateway.estimates import estimate, tokens_of_text
from llmadmin.gateway.planning import plan_for, prompt_cache_key
from llmadmin.gateway.runtime import Runtime
from providers.answers import Gathering
from providers.errors import LLMProviderError
from providers.router import Attempt, PlannedTarget, StreamOutcome
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    CompletionResponse,
    EmbeddingRequest,
    EmbeddingResponse,
    Usage,
)

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Response = TypeVar("Response", ChatResponse, CompletionResponse, EmbeddingResponse)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Response]):
    """A whole answer, its call with record and attempts, and the target that gave it."""

    response: Response
    call: Call
    target: PlannedTarget


def begin(
    caller: Caller,
    request: ChatRequest | CompletionRequest | EmbeddingRequest,
    *,
    runtime: Runtime | None,
    request_id: str,
    origin: str,
    endpoint: str,
    is_stream: bool = False,
    affinity: str | None = None,
) -> Call:
    """Admit, plan, and open the record. Raises `GatewayError`; nothing is recorded for what is refused here."""
    runtime = runtime or Runtime.current()
    snapshot = runtime.snapshot
    resolution = admit(caller, snapshot, request.model)
    stops.check_running(caller, snapshot)
    plan = plan_for(snapshot, resolution, affinity=affinity or prompt_cache_key(request))
    if not plan.targets:
        stops.check_has_target(snapshot, resolution)
    runtime.note_service_key_used(caller.key_id)
    return Call(
        caller,
        resolution,
        plan,
        runtime=runtime,
        snapshot=snapshot,
        endpoint=endpoint,
        request_id=request_id or request_ids.new(),
        origin=origin,
        user=request.user or (caller.label if caller.key_id is None else None),
        is_stream=is_stream,
    )


async def chat(
    caller: Caller,
    request: ChatRequest,
    *,
    runtime: Runtime | None = None,
    request_id: str = "",
    origin: str = "gateway",
    affinity: str | None = None,
) -> Answer[ChatResponse]:
    """A chat's whole answer, from the cache where its alias keeps answers. Raises `GatewayError`."""
    call = begin(
        caller, request, runtime=runtime, request_id=request_id, origin=origin, endpoint="chat", affinity=affinity
    )
    place = caching.place_for(call, request)
    kept = caching.find(call, place)
    if kept is not None:
        finish_reason = kept.response.finish_reason
        call.answer(target=kept.target, usage=Usage(), is_estimated=False, finish_reason=finish_reason)
        return Answer(kept.response, call, kept.target)
    router = call.runtime.router
    outcome = await _run(
        call,
        lambda: router.execute(call.plan, request, attempts=call.attempts),
        guess=lambda: estimate(request, output_bytes=0),
    )
    response = outcome.response
    call.answer(
        target=outcome.target,
        usage=response.usage or estimate(request, output_bytes=_bytes_of(response)),
        is_estimated=response.usage is None,
        finish_reason=response.finish_reason,
    )
    caching.keep(call, place, response, outcome.target)
    return Answer(response, call, outcome.target)


async def complete(
    caller: Caller,
    request: CompletionRequest,
    *,
    runtime: Runtime | None = None,
    request_id: str = "",
    origin: str = "gateway",
) -> Answer[CompletionResponse]:
    """A text completion. Raises `GatewayError`."""
    call = begin(caller, request, runtime=runtime, request_id=request_id, origin=origin, endpoint="completions")
    router = call.runtime.router

    def guess() -> Usage:
        prompts = [request.prompt] if isinstance(request.prompt, str) else request.prompt
        return Usage(input_tokens=sum(map(tokens_of_text, prompts)))

    outcome = await _run(
        call, lambda: router.execute_completion(call.plan, request, attempts=call.attempts), guess=guess
    )
    response = outcome.response
    call.answer(
        target=outcome.target,
        usage=response.usage or guess() + Usage(output_tokens=tokens_of_text(response.text)),
        is_estimated=response.usage is None,
        finish_reason=response.finish_reason,
    )
    return Answer(response, call, outcome.target)


async def embed(
    caller: Caller,
    request: EmbeddingRequest,
    *,
    runtime: Runtime | None = None,
    request_id: str = "",
    origin: str = "gateway",
) -> Answer[EmbeddingResponse]:
    """Vectors for texts. Raises `GatewayError`."""
    call = begin(caller, request, runtime=runtime, request_id=request_id, origin=origin, endpoint="embeddings")
    router = call.runtime.router

    def guess() -> Usage:
        return Usage(input_tokens=sum(map(tokens_of_text, request.input)))

    outcome = await _run(
        call, lambda: router.execute_embedding(call.plan, request, attempts=call.attempts), guess=guess
    )
    response = outcome.response
    call.answer(target=outcome.target, usage=response.usage or guess(), is_estimated=response.usage is None)
    return Answer(response, call, outcome.target)


async def _run(call: Call, execute: Callable[[], Awaitable[Result]], *, guess: Callable[[], Usage]) -> Result:
    """Execute, and settle the record where no answer comes of it. `guess` estimates what the provider has read."""
    try:
        return await execute()
    except LLMProviderError as error:
        raise call.fail(error) from error
    except asyncio.CancelledError:
        call.give_up(seen=guess() if call.attempts else Usage())
        raise
    except Exception as error:
        log.exception("a call failed inside the gateway")
        raise call.fail(error) from error


async def chat_stream(
    caller: Caller,
    request: ChatRequest,
    *,
    runtime: Runtime | None = None,
    request_id: str = "",
    origin: str = "gateway",
    affinity: str | None = None,
) -> ChatStream:
    """A chat's answer piece by piece, open: its first piece has arrived, whatever fallbacks that took.

    Raises `GatewayError`. Iterate the stream inside `async with`, so that leaving early settles its record.
    """
    call = begin(
        caller,
        request,
        runtime=runtime,
        request_id=request_id,
        origin=origin,
        endpoint="chat",
        is_stream=True,
        affinity=affinity,
    )
    place = caching.place_for(call, request)
    kept = caching.find(call, place)
    if kept is not None:
        return ChatStream(call, caching.KeptStream(kept), request)
    outcome = call.runtime.router.execute_stream(call.plan, request, attempts=call.attempts)
    await _run(call, outcome.open, guess=lambda: estimate(request, output_bytes=0))
    return ChatStream(call, outcome, request, place=place)


class ChatStream:
    """An open stream of a chat. Iterating raises `GatewayError` where the provider breaks off.

    The record is settled before the iteration ends, so before the caller has the last byte. `usage` is the provider's
    own count, None until it came.
    """

    def __init__(
        self,
        call: Call,
        outcome: StreamOutcome | caching.KeptStream,
        request: ChatRequest,
        *,
        place: caching.Place | None = None,
    ) -> None:
        self.call = call
        self.usage: Usage | None = None
        self.finish_reason = ""
        self.ttft_ms = call.elapsed_ms()
        call.name_target()
        self._outcome = outcome
        self._request = request
        self._output_bytes = 0
        self._place = place
        self._checked = call.snapshot
        """The last snapshot whose switches this stream has obeyed."""
        self._said = Gathering() if place is not None else None

    @property
    def target(self) -> PlannedTarget | None:
        return self._outcome.target

    @property
    def attempts(self) -> list[Attempt]:
        return self.call.attempts

    def seen(self) -> Usage:
        """The tokens so far: the provider's count, or our estimate. An answer from the cache takes none."""
        if self.call.entry.is_cache_hit:
            return Usage()
        return self.usage or estimate(self._request, output_bytes=self._output_bytes)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatChunk:
        try:
            chunk = await self._outcome.__anext__()
            if self.call.runtime.snapshot is not self._checked:
                self._obey_switches()
        except StopAsyncIteration:
            self._finish()
            raise
        except asyncio.CancelledError:
            self._give_up()
            raise
        except Exception as error:
            if not isinstance(error, LLMProviderError):
                log.exception("a stream failed inside the gateway")
            raise self.call.cut_short(error, seen=self.seen(), ttft_ms=self.ttft_ms) from error
        self._output_bytes += len(chunk.text) + len(chunk.reasoning)
        if chunk.tool_calls:
            self._output_bytes += sum(len(piece.arguments) + len(piece.name or "") for piece in chunk.tool_calls)
        if chunk.finish_reason is not None:
            self.finish_reason = chunk.finish_reason
        if chunk.usage is not None:
            self.usage = chunk.usage
        if self._said is not None:
            self._said.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Leave. Before the end this closes the upstream at once, and the record says that the caller gave up."""
        try:
            await self._outcome.aclose()
        finally:
            self._give_up()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _obey_switches(self) -> None:
        """End here with an error where a switch has stopped this call since the last look. Once for each new snapshot."""
        self._checked = self.call.runtime.snapshot
        stopped = stops.ends_now(self.call.caller, self.call.attempts, self._checked)
        if stopped is not None:
            raise stopped

    def _finish(self) -> None:
        if self.call.is_settled or self.target is None:
            return
        self.call.answer(
            target=self.target,
            usage=self.seen(),
            is_estimated=self.usage is None and not self.call.entry.is_cache_hit,
            finish_reason=self.finish_reason,
            ttft_ms=self.ttft_ms,
        )
        if self._said is not None:
            caching.keep(self.call, self._place, self._said.response(self.target), self.target)

    def _give_up(self) -> None:
        if not self.call.is_settled:
            self.call.give_up(seen=self.seen(), ttft_ms=self.ttft_ms)


def _bytes_of(response: ChatResponse) -> int:
    calls = sum(len(call.name) + len(call.arguments) for call in response.tool_calls)
    return len(response.text.encode("utf-8", "surrogatepass")) + len(response.reasoning) + calls
