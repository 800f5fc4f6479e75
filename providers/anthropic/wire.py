"""Anthropic's answers to ours. Pure. The other way is `requests.py`.

Source: https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.anthropic.requests import JSON_TOOL
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.types import ChatChunk, ChatResponse, FinishReason, ModelInfo, ToolCall, ToolCallDelta, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    """A whole message. Server tools' blocks are the vendor's own business and stay in `raw`."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    finish_reason = finish_reason_of(payload.get("stop_reason")) or "stop"
    for block in map(as_mapping, as_list(payload.get("content"))):
        kind = block.get("type")
        if kind == "text":
            text.append(as_text(block.get("text")))
        elif kind == "thinking":
            reasoning.append(as_text(block.get("thinking")))
        elif kind == "tool_use" and block.get("name") == JSON_TOOL:
            text.append(as_arguments(as_mapping(block.get("input"))))
            finish_reason = "stop" if finish_reason == "tool_calls" else finish_reason
        elif kind == "tool_use":
            arguments = as_arguments(as_mapping(block.get("input"))) or "{}"
            calls.append(ToolCall(as_text(block.get("id")), as_text(block.get("name")), arguments))
    return ChatResponse(
        text="".join(text),
        model=as_text(payload.get("model")) or model,
        provider=provider,
        finish_reason=finish_reason,
        tool_calls=calls,
        reasoning="".join(reasoning),
        usage=usage_of(as_mapping(payload.get("usage"))),
        id=as_text(payload.get("id")),
        raw=payload,
    )


class MessageStream:
    """The state of one streamed message: which blocks are open, and the usage so far."""

    def __init__(self) -> None:
        self.is_complete = False
        """A stop reason came."""
        self.is_over = False
        """The last event came."""
        self._id = ""
        self._model = ""
        self._usage: dict[str, Any] = {}
        self._tool_index_by_block: dict[int, int] = {}
        self._bare_inputs: dict[int, Mapping[str, Any]] = {}
        """Tool inputs of blocks that no piece of JSON has come for."""
        self._json_blocks: set[int] = set()

    def take(self, event: Mapping[str, Any]) -> ChatChunk | None:
        """The chunk that one event makes, or None for an event with nothing to pass on."""
        kind = event.get("type")
        chunk: ChatChunk | None = None
        if kind == "message_start":
            self._begin(as_mapping(event.get("message")))
        elif kind == "content_block_start":
            chunk = self._open(as_count(event.get("index")), as_mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            chunk = self._grow(as_count(event.get("index")), as_mapping(event.get("delta")))
        elif kind == "content_block_stop":
            chunk = self._close(as_count(event.get("index")))
        elif kind == "message_delta":
            chunk = self._end(event)
        elif kind == "message_stop":
            self.is_over = True
        if chunk is not None:
            chunk.id, chunk.model, chunk.raw = self._id, self._model, event
        return chunk

    def _begin(self, message: Mapping[str, Any]) -> None:
        self._id, self._model = as_text(message.get("id")), as_text(message.get("model"))
        self._usage = dict(as_mapping(message.get("usage")))

    def _open(self, index: int, block: Mapping[str, Any]) -> ChatChunk | None:
        kind = block.get("type")
        if kind == "text":
            return _unless_empty(ChatChunk(text=as_text(block.get("text"))))
        if kind == "thinking":
            return _unless_empty(ChatChunk(reasoning=as_text(block.get("thinking"))))
        if kind != "tool_use":
            return None
        self._bare_inputs[index] = as_mapping(block.get("input"))
        if block.get("name") == JSON_TOOL:
            self._json_blocks.add(index)
            return None
        ours = self._tool_index_by_block.setdefault(index, len(self._tool_index_by_block))
        piece = ToolCallDelta(index=ours, id=as_text(block.get("id")), name=as_text(block.get("name")))
        return ChatChunk(tool_calls=[piece])

    def _grow(self, index: int, delta: Mapping[str, Any]) -> ChatChunk | None:
        kind = delta.get("type")
        if kind == "text_delta":
            return ChatChunk(text=as_text(delta.get("text")))
        if kind == "thinking_delta":
            return ChatChunk(reasoning=as_text(delta.get("thinking")))
        if kind == "input_json_delta" and (piece := as_text(delta.get("partial_json"))):
            self._bare_inputs.pop(index, None)
            return self._input_chunk(index, piece)
        return None

    def _close(self, index: int) -> ChatChunk | None:
        bare = self._bare_inputs.pop(index, None)
        return None if bare is None else self._input_chunk(index, as_arguments(bare))

    def _input_chunk(self, index: int, piece: str) -> ChatChunk | None:
        if index in self._json_blocks:
            return ChatChunk(text=piece)
        ours = self._tool_index_by_block.get(index)
        return None if ours is None else ChatChunk(tool_calls=[ToolCallDelta(index=ours, arguments=piece)])

    def _end(self, event: Mapping[str, Any]) -> ChatChunk:
        """Finish reason and usage. What this event says of usage replaces what the first one said."""
        self._usage |= {name: value for name, value in as_mapping(event.get("usage")).items() if value is not None}
        reason = finish_reason_of(as_mapping(event.get("delta")).get("stop_reason"))
        if reason is not None:
            self.is_complete = True
        if reason == "tool_calls" and self._json_blocks and not self._tool_index_by_block:
            reason = "stop"
        return ChatChunk(finish_reason=reason, usage=usage_of(self._usage))


def _unless_empty(chunk: ChatChunk) -> ChatChunk | None:
    return chunk if chunk.text or chunk.reasoning else None


def finish_reason_of(value: Any) -> FinishReason | None:
    return _FINISH_REASONS.get(value, "stop") if isinstance(value, str) and value else None


def usage_of(data: Mapping[str, Any]) -> Usage | None:
    """Anthropic's meters are disjoint already; thinking is part of its output tokens and not told apart."""
    if not data:
        return None
    return Usage(
        input_tokens=as_count(data.get("input_tokens")),
        cached_input_tokens=as_count(data.get("cache_read_input_tokens")),
        cache_write_tokens=as_count(data.get("cache_creation_input_tokens")),
        output_tokens=as_count(data.get("output_tokens")),
    )


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    rows = map(as_mapping, as_list(payload.get("data")))
    return [ModelInfo(name=as_text(row["id"]), provider=provider, raw=row) for row in rows if row.get("id")]
