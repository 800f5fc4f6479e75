"""One prompt through the gateway's own pipeline, told as events while it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from asgiref.sync import sync_to_async

from llmadmin.accounts.permissions import PLAYGROUND_RUN, require
from llmadmin.audit.actor import Actor
from llmadmin.core.errors import InvalidError
from llmadmin.gateway import pipeline
from llmadmin.gateway.bodies import read_chat
from llmadmin.gateway.callers import CALL, Caller
from llmadmin.gateway.calls import Call, entry_of
from llmadmin.gateway.errors import GatewayError
from llmadmin.gateway.runtime import Runtime
from llmadmin.playground import pending
from llmadmin.usage.money import money_text
from providers.errors import LLMProviderError
from providers.router import Attempt
from providers.types import METERS

SERVICE = "playground"
"""The service that records of the playground name; it has no key."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run; `data` is ready for JSON.

    `attempt`: one try, as in a usage record. `text`, `reasoning`: `{"text"}`, the new piece. `tool_call`: `{"index", "id",
    "name", "arguments"}`, a piece of one. `done`: figures, target and attempts, and `run`, which repeats the run. `error`:
    `{"class", "sentence", "code", "status", "attempts", …}`; the last event is `done` or `error`.
    """

    kind: str
    data: dict[str, Any]


def start(actor: Actor, settings: Mapping[str, Any]) -> str:
    """Check a run and keep it until its events are read; returns its id.

    `settings` is a Chat Completions body: `model` (alias, `agent:NAME` or `provider/name`), `messages`, parameters.
    Raises ForbiddenError, and InvalidError naming the field.
    """
    require(actor, PLAYGROUND_RUN)
    body = {name: value for name, value in settings.items() if name not in ("stream", "stream_options")}
    try:
        read_chat(body)
    except GatewayError as refused:
        raise InvalidError(refused.message, fields={refused.param: refused.message} if refused.param else {}) from None
    return pending.keep(actor, body)


async def events(run_id: str, *, actor: Actor, runtime: Runtime | None = None) -> AsyncIterator[Event]:
    """The events of a run, once, for the person who started it. Raises MissingError before the first event.

    Closing the iterator early, as a browser that leaves does, closes the upstream at once; what was seen until then is
    recorded.
    """
    body = await sync_to_async(pending.take)(actor, run_id)
    caller = Caller(service=SERVICE, scopes=frozenset({CALL}), label=actor.label)
    try:
        stream = await pipeline.chat_stream(caller, read_chat(body), runtime=runtime, origin=SERVICE)
    except GatewayError as refused:
        yield _error(refused, body)
        return
    stream.call.entry.user = actor.label[:200]
    async with stream:
        for attempt in stream.attempts:
            yield Event("attempt", _attempt(attempt))
        try:
            async for chunk in stream:
                if chunk.reasoning:
                    yield Event("reasoning", {"text": chunk.reasoning})
                if chunk.text:
                    yield Event("text", {"text": chunk.text})
                for piece in chunk.tool_calls or ():
                    yield Event("tool_call", asdict(piece))
        except GatewayError as cut:
            yield _error(cut, body, call=stream.call)
            return
    yield Event("done", _figures(stream.call) | {"run": _repeatable(body, stream.call)})


def _figures(call: Call) -> dict[str, Any]:
    entry = call.entry
    usage = {meter: getattr(entry, meter) for meter in METERS}
    written = entry.output_tokens + entry.reasoning_tokens
    writing_ms = entry.latency_ms - (entry.ttft_ms or 0)
    return {
        "usage": usage,
        "is_estimated": entry.settlement == "estimated",
        "cost_usd": money_text(entry.cost_usd),
        "rates": dict(entry.rates) if entry.rates else None,
        "latency_ms": entry.latency_ms,
        "ttft_ms": entry.ttft_ms,
        "tokens_per_s": written / writing_ms * 1000 if written and writing_ms > 0 else None,
        "finish_reason": entry.finish_reason,
        "status": entry.status,
        "target": entry.model,
        "alias": entry.alias,
        "agent": entry.agent,
        "attempts": [_attempt(attempt) for attempt in call.attempts],
        "config_version": entry.config_version,
        "request_id": entry.request_id,
        "record_id": str(entry.id),
    }


def _error(told: GatewayError, body: Mapping[str, Any], *, call: Call | None = None) -> Event:
    cause = told.__cause__
    attempts: Sequence[Attempt] = call.attempts if call is not None else getattr(cause, "attempts", ())
    failure = {
        "class": cause.error_class if isinstance(cause, LLMProviderError) else told.code or told.kind,
        "sentence": told.message,
        "code": told.code,
        "status": told.status,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "run": _repeatable(body, call),
    }
    return Event("error", (_figures(call) if call is not None else {}) | failure)


def _repeatable(body: Mapping[str, Any], call: Call | None) -> dict[str, Any]:
    """Everything that a repetition needs: the request as it was sent, and on what it ran."""
    return {
        "request": dict(body),
        "target": call.entry.model if call is not None else None,
        "config_version": call.entry.config_version if call is not None else None,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    entry = entry_of(attempt)
    return asdict(entry) | {
        "key_id": str(entry.key_id) if entry.key_id else None,
        "started_at": entry.started_at.isoformat(),
    }
