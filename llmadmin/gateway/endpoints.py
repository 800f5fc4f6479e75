"""What stands under `/v1/`: each endpoint parses, calls the pipeline, and writes what came back in OpenAI's form."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.conf import settings

from llmadmin.core.exchange import (
    JSON_TYPE,
    BodyTooLargeError,
    BodyTooSlowError,
    Receive,
    Scope,
    Send,
    find_header,
    read_body,
    send_bytes,
    send_json,
)
from llmadmin.gateway import answers, bodies, pipeline
from llmadmin.gateway.admission import admit, require_scope, unknown_model
from llmadmin.gateway.callers import CALL, Caller
from llmadmin.gateway.errors import GatewayError, internal
from llmadmin.gateway.hangup import HangUp
from llmadmin.gateway.retirement import has_ended
from llmadmin.gateway.runtime import Runtime
from llmadmin.gateway.snapshot import Snapshot
from providers.types import ChatRequest

log = structlog.get_logger(__name__)

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request whose key has been let in."""

    scope: Scope
    receive: Receive
    send: Send
    caller: Caller
    runtime: Runtime
    snapshot: Snapshot
    request_id: str

    @property
    def affinity(self) -> str | None:
        """What this call wants to stay together with: calls of the same text go to the same target and key."""
        value = find_header(self.scope, b"x-llmadmin-affinity")
        return value.decode("latin-1") if value else None

    async def body(self) -> dict[str, Any]:
        """The body's JSON object. Raises 400, 408 and 413."""
        limit = settings.MAX_BODY_BYTES
        try:
            return bodies.parse_json(await read_body(self.scope, self.receive, limit_bytes=limit))
        except BodyTooLargeError:
            message = f"The body is larger than {limit} bytes. Send less, or raise LLMADMIN_MAX_BODY_BYTES."
            raise GatewayError(413, message, code="body_too_large") from None
        except BodyTooSlowError:
            message = "The body did not arrive in time. Send it again."
            raise GatewayError(408, message, code="body_too_slow", headers={"connection": "close"}) from None


Endpoint = Callable[[Exchange], Awaitable[None]]


async def chat_completions(exchange: Exchange) -> None:
    body = await exchange.body()
    request = bodies.read_chat(body)
    if bodies.wants_stream(body):
        await _stream_chat(exchange, request, shows_usage=bodies.wants_usage(body))
        return
    async with HangUp(exchange.receive):
        answer = await pipeline.chat(
            exchange.caller,
            request,
            runtime=exchange.runtime,
            request_id=exchange.request_id,
            affinity=exchange.affinity,
        )
        content = answers.chat_content(answer.response)
        await send_bytes(exchange.send, 200, content, [JSON_TYPE, *answer.call.headers(has_cost=True)])


async def completions(exchange: Exchange) -> None:
    request = bodies.read_completion(await exchange.body())
    async with HangUp(exchange.receive):
        answer = await pipeline.complete(
            exchange.caller, request, runtime=exchange.runtime, request_id=exchange.request_id
        )
        content = answers.completion_content(answer.response)
        await send_bytes(exchange.send, 200, content, [JSON_TYPE, *answer.call.headers(has_cost=True)])


async def embeddings(exchange: Exchange) -> None:
    body = await exchange.body()
    request = bodies.read_embedding(body)
    async with HangUp(exchange.receive):
        answer = await pipeline.embed(
            exchange.caller, request, runtime=exchange.runtime, request_id=exchange.request_id
        )
        content = answers.embedding_body(answer.response, is_base64=body.get("encoding_format") == "base64")
        await send_json(exchange.send, 200, content, answer.call.headers(has_cost=True))


async def list_models(exchange: Exchange) -> None:
    """Everything that this key may call: aliases, agents, models. What has come to its sunset is left out."""
    require_scope(exchange.caller, CALL)
    snapshot = exchange.snapshot
    names = exchange.caller.visible_names(snapshot.config)
    data = [_model(snapshot, name) for name in names if not has_ended(snapshot, snapshot.config.resolve(name))]
    await send_json(exchange.send, 200, {"object": "list", "data": data}, _short_headers(exchange))


async def show_model(exchange: Exchange, name: str) -> None:
    resolution = admit(exchange.caller, exchange.snapshot, name)
    if not resolution.targets:
        raise unknown_model(exchange.caller, exchange.snapshot, name)
    await send_json(exchange.send, 200, _model(exchange.snapshot, name), _short_headers(exchange))


def _model(snapshot: Snapshot, name: str) -> dict[str, Any]:
    published_at = snapshot.config.published_at
    return {
        "id": name,
        "object": "model",
        "created": int(published_at.timestamp()) if published_at else 0,
        "owned_by": snapshot.config.resolve(name).targets[0].provider,
    }


def _short_headers(exchange: Exchange) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", exchange.request_id.encode("latin-1", "replace")),
        (b"x-llmadmin-config-version", b"%d" % exchange.snapshot.version),
    ]


# Streams


async def _stream_chat(exchange: Exchange, request: ChatRequest, *, shows_usage: bool) -> None:
    async with HangUp(exchange.receive):
        stream = await pipeline.chat_stream(
            exchange.caller,
            request,
            runtime=exchange.runtime,
            request_id=exchange.request_id,
            affinity=exchange.affinity,
        )
        async with stream:
            await _send_stream(exchange, stream, shows_usage=shows_usage)


async def _send_stream(exchange: Exchange, stream: pipeline.ChatStream, *, shows_usage: bool) -> None:
    """Send the chunks, then `[DONE]`; where the provider breaks off, an error event and no `[DONE]`."""
    send = exchange.send
    headers = [*_STREAM_HEADERS, *stream.call.headers(has_cost=False)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    writer = answers.ChunkWriter(
        identity=f"chatcmpl-{stream.call.entry.id.hex}", created=int(time.time()), model=request_model(stream)
    )
    try:
        async for chunk in stream:
            piece = writer.content(chunk)
            if piece is not None:
                await _send_event(send, piece)
        ending = _DONE
        if shows_usage and stream.usage is not None:
            ending = b"data: " + orjson.dumps(writer.usage_chunk(stream.usage)) + b"\n\n" + _DONE
    except GatewayError as error:
        ending = _error_event(error, exchange.request_id)
    except Exception:
        log.exception("a stream could not be written")
        ending = _error_event(internal(), exchange.request_id)
    await send({"type": "http.response.body", "body": ending})


def request_model(stream: pipeline.ChatStream) -> str:
    """The model that a chunk names where the provider names none."""
    return stream.target.model if stream.target else stream.call.resolution.requested


async def _send_event(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})


def _error_event(error: GatewayError, request_id: str) -> bytes:
    return b"data: " + orjson.dumps(error.to_openai(request_id=request_id)) + b"\n\n"
