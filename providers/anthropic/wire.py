"""Anthropic's answers to ours. Pure. The other way is `requests.py`.

Source: https://platform.claude.com/docs/en/api/messages and https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.anthropic.requests import JSON_TOOL
from providers.anthropic.thinking import beside_call, is_thought
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


_CAPABILITIES = {
    "image_input": "vision",
    "pdf_input": "documents",
    "structured_outputs": "json",
    "thinking": "reasoning",
}


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    """A whole message. Server tools' blocks are the vendor's own business and stay in `raw`."""
    text: list[str] = []
    reasoning: list[str] = []
    thoughts: list[dict[str, Any]] = []
    calls: list[ToolCall] = []
    is_json = False
    made_by = as_text(payload.get("model")) or model
    for block in _blocks(payload.get("content")):
        kind = block.get("type")
        if kind == "text":
            text.append(as_text(block.get("text")))
        elif kind == "thinking":
            reasoning.append(as_text(block.get("thinking")))
        elif kind == "tool_use" and block.get("name") == JSON_TOOL:
            text.append(as_arguments(block.get("input")))
            is_json = True
        elif kind == "tool_use":
            calls.append(_tool_call(block, beside_call(thoughts, model=made_by)))
            thoughts = []
        if is_thought(block):
            thoughts.append(dict(block))
    return ChatResponse(
        text="".join(text),
        model=made_by,
        provider=provider,
        finish_reason=finish_reason_of(payload.get("stop_reason"), has_calls=not is_json or bool(calls)) or "stop",
        tool_calls=calls,
        reasoning="".join(reasoning),
        usage=usage_of(as_mapping(payload.get("usage"))),
        id=as_text(payload.get("id")),
        raw=payload,
    )


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    """A message's blocks; some servers that speak this dialect give bare text."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [as_mapping(block) for block in as_list(content)]


def _tool_call(block: Mapping[str, Any], extra_content: Mapping[str, Any] | None) -> ToolCall:
    arguments = as_arguments(block.get("input")) or "{}"
    return ToolCall(as_text(block.get("id")), as_text(block.get("name")), arguments, extra_content)


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
        self._bare_inputs: dict[int, Any] = {}
        """Tool inputs of blocks that no piece of JSON has come for."""
        self._json_blocks: set[int] = set()
        self._open_thoughts: dict[int, dict[str, Any]] = {}
        self._thoughts: list[dict[str, Any]] = []
        """Finished thoughts that no tool call has followed yet."""

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
        if kind in ("thinking", "redacted_thinking"):
            self._open_thoughts[index] = dict(block)
            return _unless_empty(ChatChunk(reasoning=as_text(block.get("thinking"))))
        if kind != "tool_use":
            return None
        self._bare_inputs[index] = block.get("input")
        if block.get("name") == JSON_TOOL:
            self._json_blocks.add(index)
            return None
        ours = self._tool_index_by_block.setdefault(index, len(self._tool_index_by_block))
        extra_content = beside_call(self._thoughts, model=self._model)
        self._thoughts = []
        piece = ToolCallDelta(ours, as_text(block.get("id")), as_text(block.get("name")), extra_content=extra_content)
        return ChatChunk(tool_calls=[piece])

    def _grow(self, index: int, delta: Mapping[str, Any]) -> ChatChunk | None:
        kind = delta.get("type")
        if kind == "text_delta":
            return _unless_empty(ChatChunk(text=as_text(delta.get("text"))))
        if kind == "thinking_delta":
            piece = as_text(delta.get("thinking"))
            self._add_to_thought(index, "thinking", piece)
            return _unless_empty(ChatChunk(reasoning=piece))
        if kind == "signature_delta":
            self._add_to_thought(index, "signature", as_text(delta.get("signature")))
        if kind == "input_json_delta" and (piece := as_arguments(delta.get("partial_json"))):
            self._bare_inputs.pop(index, None)
            return self._input_chunk(index, piece)
        return None

    def _add_to_thought(self, index: int, name: str, piece: str) -> None:
        if (thought := self._open_thoughts.get(index)) is not None:
            thought[name] = as_text(thought.get(name)) + piece

    def _close(self, index: int) -> ChatChunk | None:
        thought = self._open_thoughts.pop(index, None)
        if thought is not None and is_thought(thought):
            self._thoughts.append(thought)
        if index not in self._bare_inputs:
            return None
        return self._input_chunk(index, as_arguments(self._bare_inputs.pop(index)) or "{}")

    def _input_chunk(self, index: int, piece: str) -> ChatChunk | None:
        if index in self._json_blocks:
            return ChatChunk(text=piece)
        ours = self._tool_index_by_block.get(index)
        return None if ours is None else ChatChunk(tool_calls=[ToolCallDelta(index=ours, arguments=piece)])

    def _end(self, event: Mapping[str, Any]) -> ChatChunk | None:
        """Finish reason and usage. What this event says of usage replaces what the first one said."""
        self._usage |= {name: value for name, value in as_mapping(event.get("usage")).items() if value is not None}
        has_calls = not self._json_blocks or bool(self._tool_index_by_block)
        reason = finish_reason_of(as_mapping(event.get("delta")).get("stop_reason"), has_calls=has_calls)
        if reason is None:
            return None
        self.is_complete = True
        return ChatChunk(finish_reason=reason, usage=usage_of(self._usage))


def _unless_empty(chunk: ChatChunk) -> ChatChunk | None:
    return chunk if chunk.text or chunk.reasoning else None


def finish_reason_of(value: Any, *, has_calls: bool = True) -> FinishReason | None:
    """The normalised reason; None where the message goes on. A call of our own for JSON alone is an answer."""
    if not isinstance(value, str) or not value:
        return None
    reason = _FINISH_REASONS.get(value, "stop")
    return "stop" if reason == "tool_calls" and not has_calls else reason


def usage_of(data: Mapping[str, Any]) -> Usage | None:
    """Anthropic's meters are disjoint already, but that thinking is part of its output tokens.

    What compacting the conversation took is told beside the whole and billed as well.
    """
    if not data:
        return None
    usage = _meters_of(data)
    for iteration in map(as_mapping, as_list(data.get("iterations"))):
        if iteration.get("type") == "compaction":
            usage += _meters_of(iteration)
    return usage


def _meters_of(data: Mapping[str, Any]) -> Usage:
    written = as_mapping(data.get("cache_creation"))
    output = as_count(data.get("output_tokens"))
    thinking = min(as_count(as_mapping(data.get("output_tokens_details")).get("thinking_tokens")), output)
    return Usage(
        input_tokens=as_count(data.get("input_tokens")),
        cached_input_tokens=as_count(data.get("cache_read_input_tokens")),
        cache_write_tokens=as_count(data.get("cache_creation_input_tokens")) or sum(map(as_count, written.values())),
        output_tokens=output - thinking,
        reasoning_tokens=thinking,
    )


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    """The models that may be called; Anthropic also lists those it has taken away."""
    rows = map(as_mapping, as_list(payload.get("data")))
    return [
        ModelInfo(
            name=as_text(row["id"]),
            provider=provider,
            context_window=as_count(row.get("max_input_tokens")) or None,
            max_output_tokens=as_count(row.get("max_tokens")) or None,
            capabilities=_capabilities(as_mapping(row.get("capabilities"))),
            raw=row,
        )
        for row in rows
        if row.get("id") and row.get("lifecycle") != "retired"
    ]


def _capabilities(told: Mapping[str, Any]) -> frozenset[str]:
    if not told:
        return frozenset()
    supported = {ours for theirs, ours in _CAPABILITIES.items() if as_mapping(told.get(theirs)).get("supported")}
    return frozenset({"chat", "stream", "tools", *supported})


def next_page(payload: Mapping[str, Any]) -> str:
    """The id after which the next page of a list begins; empty after the last one."""
    return as_text(payload.get("last_id")) if payload.get("has_more") is True else ""
