"""What a server of each dialect says to the contract suite. A new dialect needs an entry here, a new provider none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Dialect:
    """Bodies that say "pong" (3 tokens in, 1 out), an error, and a list of one model named `m`."""

    answer: dict[str, Any]
    stream: list[bytes]
    models: dict[str, Any]
    stream_path: str = ""
    """Where streams are asked for, in dialects that say so by the path and not in the body."""

    def asks_to_stream(self, path: str, body: dict[str, Any]) -> bool:
        return path == self.stream_path if self.stream_path else body["stream"] is True

    @staticmethod
    def error(message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": "some_error", "message": message}}


def _events(*payloads: Any) -> list[bytes]:
    return [b"data: " + json.dumps(payload).encode() + b"\n\n" for payload in payloads]


def _gemini(text: str, **fields: Any) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **fields}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
        "modelVersion": "m",
        "responseId": "1",
    }


_OPENAI_USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
_COHERE_USAGE = {
    "billed_units": {"input_tokens": 1, "output_tokens": 1},
    "tokens": {"input_tokens": 3, "output_tokens": 1},
}

DIALECTS = {
    "openai": Dialect(
        answer={
            "id": "1",
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
            "usage": _OPENAI_USAGE,
        },
        stream=[
            *_events(
                {"choices": [{"index": 0, "delta": {"content": "po"}}]},
                {"choices": [{"index": 0, "delta": {"content": "ng"}, "finish_reason": "stop"}]},
                {"choices": [], "usage": _OPENAI_USAGE},
            ),
            b"data: [DONE]\n\n",
        ],
        models={"data": [{"id": "m"}]},
    ),
    "anthropic": Dialect(
        answer={
            "id": "1",
            "model": "m",
            "content": [{"type": "text", "text": "pong"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 1},
        },
        stream=_events(
            {"type": "message_start", "message": {"id": "1", "model": "m", "usage": {"input_tokens": 3}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "po"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ng"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ),
        models={"data": [{"id": "m"}]},
    ),
    "ollama": Dialect(
        answer={
            "model": "m",
            "message": {"role": "assistant", "content": "pong"},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 1,
        },
        stream=[
            b'{"model":"m","message":{"content":"po"},"done":false}\n',
            b'{"model":"m","message":{"content":"ng"},"done":false}\n',
            b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":1}\n',
        ],
        models={"models": [{"name": "m"}]},
    ),
    "google": Dialect(
        answer=_gemini("pong", finishReason="STOP"),
        stream=_events(_gemini("po"), _gemini("ng", finishReason="STOP")),
        models={"models": [{"name": "models/m"}]},
        stream_path="/v1beta/models/m:streamGenerateContent?alt=sse",
    ),
    "cohere": Dialect(
        answer={
            "id": "1",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "pong"}]},
            "finish_reason": "COMPLETE",
            "usage": _COHERE_USAGE,
        },
        stream=_events(
            {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
            {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "po"}}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "ng"}}}},
            {"type": "content-end", "index": 0},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _COHERE_USAGE}},
        ),
        models={"models": [{"name": "m"}]},
    ),
}
