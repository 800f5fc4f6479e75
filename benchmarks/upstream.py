"""The provider of the benchmarks: a raw ASGI application that answers from constants and asks nothing.

A plain answer has 0.8 kB; a stream has 50 chunks, a millisecond apart, so that each travels alone as a
model's do. With `DELAY_MS` in the environment it waits first.
"""

from __future__ import annotations

import asyncio
import os

import orjson

from llmadmin.core.exchange import Receive, Scope, Send

CHUNKS = 50
CHUNK_PAUSE_S = 0.001
DELAY_S = float(os.environ.get("DELAY_MS", "0")) / 1000
_WORDS = "an answer of the usual length, made of words that nobody has to read " * 8
_HEAD = {"id": "chatcmpl-bench", "created": 1_700_000_000, "model": "bench-1"}
_USAGE = {
    "prompt_tokens": 40,
    "completion_tokens": 120,
    "total_tokens": 160,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
_MESSAGE = {"role": "assistant", "content": _WORDS[:420], "refusal": None}
_PLAIN = orjson.dumps(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _MESSAGE, "logprobs": None, "finish_reason": "stop"}],
        "usage": _USAGE,
        "system_fingerprint": "bench",
    }
)
_PLAIN_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_PLAIN)).encode())]


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event({**_HEAD, "object": "chat.completion.chunk", "choices": [choice], "usage": None})


_STREAM = [
    *(_chunk({"content": f"word {number} "}) for number in range(CHUNKS - 2)),
    _chunk({}, "stop"),
    _event({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}),
    b"data: [DONE]\n\n",
]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    pieces = []
    while (event := await receive()).get("more_body"):
        pieces.append(event["body"])
    body = b"".join((*pieces, event.get("body", b"")))
    if DELAY_S:
        await asyncio.sleep(DELAY_S)
    if b'"stream":true' in body.replace(b" ", b""):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for piece in _STREAM:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(CHUNK_PAUSE_S)
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": _PLAIN_HEADERS})
        await send({"type": "http.response.body", "body": _PLAIN})
