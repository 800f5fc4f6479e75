"""Ollama's bodies and lines to our answers. Pure. The other way is `requests.py`.

Source: https://docs.ollama.com/api
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from providers.base.openai_wire import read_vector
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.types import (
    ChatChunk,
    ChatResponse,
    CompletionResponse,
    EmbeddingResponse,
    FinishReason,
    ModelInfo,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
_CAPABILITIES = {
    "completion": "chat",
    "tools": "tools",
    "vision": "vision",
    "thinking": "reasoning",
    "embedding": "embeddings",
    "audio": "audio",
}


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    message = as_mapping(payload.get("message"))
    calls = [
        ToolCall(call.id or "", call.name or "", call.arguments)
        for call in tool_calls_of(message, first_index=0, stem=made_up_stem())
    ]
    return ChatResponse(
        text=as_text(message.get("content")),
        model=as_text(payload.get("model")) or model,
        provider=provider,
        finish_reason=finish_reason_of(payload, has_calls=bool(calls)) or "stop",
        tool_calls=calls,
        reasoning=as_text(message.get("thinking")),
        usage=usage_of(payload),
        raw=payload,
    )


def completion_response(payload: Mapping[str, Any], *, provider: str, model: str) -> CompletionResponse:
    return CompletionResponse(
        text=as_text(payload.get("response")),
        model=as_text(payload.get("model")) or model,
        provider=provider,
        finish_reason=finish_reason_of(payload, has_calls=False) or "stop",
        usage=usage_of(payload),
        raw=payload,
    )


class LineStream:
    """The state of one streamed answer: of a chat, whose pieces are messages, or of a completion, whose are bare text."""

    def __init__(self) -> None:
        self.is_complete = False
        self._calls = 0
        self._stem = made_up_stem()

    def take(self, payload: Mapping[str, Any]) -> ChatChunk:
        message = as_mapping(payload.get("message"))
        calls = tool_calls_of(message, first_index=self._calls, stem=self._stem)
        self._calls += len(calls)
        chunk = ChatChunk(
            text=as_text(message.get("content")) or as_text(payload.get("response")),
            reasoning=as_text(message.get("thinking")) or as_text(payload.get("thinking")),
            tool_calls=calls,
            model=as_text(payload.get("model")),
            raw=payload,
        )
        if payload.get("done"):
            self.is_complete = True
            chunk.finish_reason = finish_reason_of(payload, has_calls=self._calls > 0)
            chunk.usage = usage_of(payload)
        return chunk


def made_up_stem() -> str:
    """How the ids of one answer's calls begin, where the server gives none: no two answers of a conversation share them."""
    return f"call_{secrets.token_hex(4)}"


def tool_calls_of(message: Mapping[str, Any], *, first_index: int, stem: str) -> list[ToolCallDelta]:
    """A message's calls. Older servers give them no id, so they get one by their place."""
    calls = []
    for index, call in enumerate(map(as_mapping, as_list(message.get("tool_calls"))), start=first_index):
        function = as_mapping(call.get("function"))
        calls.append(
            ToolCallDelta(
                index=index,
                id=as_text(call.get("id")) or f"{stem}_{index}",
                name=as_text(function.get("name")),
                arguments=as_arguments(function.get("arguments")) or "{}",
            )
        )
    return calls


def finish_reason_of(payload: Mapping[str, Any], *, has_calls: bool) -> FinishReason | None:
    """Ollama says `stop` for tool calls too, and old versions say nothing but `done`."""
    if not payload.get("done"):
        return None
    reason = _FINISH_REASONS.get(as_text(payload.get("done_reason")), "stop")
    return "tool_calls" if has_calls and reason == "stop" else reason


def usage_of(payload: Mapping[str, Any]) -> Usage | None:
    """`prompt_eval_count` is missing where the prompt was still in memory. Thinking is part of the output."""
    told = [payload.get("prompt_eval_count"), payload.get("eval_count")]
    return None if told == [None, None] else Usage(as_count(told[0]), output_tokens=as_count(told[1]))


def embedding_response(payload: Mapping[str, Any], *, provider: str, model: str) -> EmbeddingResponse:
    """Vectors in the order of the input. Raises ValueError where one can't be read."""
    return EmbeddingResponse(
        embeddings=[read_vector(vector) for vector in as_list(payload.get("embeddings"))],
        model=as_text(payload.get("model")) or model,
        provider=provider,
        usage=usage_of(payload),
        raw=payload,
    )


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    rows = map(as_mapping, as_list(payload.get("models")))
    return [
        ModelInfo(
            name=name,
            provider=provider,
            capabilities=frozenset(
                _CAPABILITIES[capability]
                for capability in map(as_text, as_list(row.get("capabilities")))
                if capability in _CAPABILITIES
            ),
            raw=row,
        )
        for row in rows
        if (name := as_text(row.get("name")) or as_text(row.get("model")))
    ]
