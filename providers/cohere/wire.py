"""Cohere's answers to ours. Pure. The other way is `requests.py`.

A tool plan is what the model says before it calls tools. It is neither the answer nor its thinking, so it stays in
`raw`, as citations do, and goes back with the calls it led to. Source: https://docs.cohere.com/reference/chat and https://docs.cohere.com/v2/docs/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.base.openai_wire import read_vector
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.types import (
    ChatChunk,
    ChatResponse,
    EmbeddingResponse,
    FinishReason,
    ModelInfo,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_FINISH_REASONS: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_FAILURES = frozenset({"ERROR", "TIMEOUT", "USER_CANCEL"})
_CAPABILITY_OF_ENDPOINT = {"chat": "chat", "embed": "embeddings"}


def chat_response(
    payload: Mapping[str, Any], *, provider: str, model: str, counts_billed: bool = False
) -> ChatResponse:
    message = as_mapping(payload.get("message"))
    text, reasoning = read_content(message.get("content"))
    calls = [_tool_call(as_mapping(call)) for call in as_list(message.get("tool_calls"))]
    if calls:
        calls[0].extra_content = beside_call(as_text(message.get("tool_plan")))
    reason = finish_reason_of(payload.get("finish_reason")) or "stop"
    return ChatResponse(
        text=text,
        model=model,
        provider=provider,
        finish_reason="tool_calls" if calls and reason == "stop" else reason,
        tool_calls=calls,
        reasoning=reasoning,
        usage=usage_of(as_mapping(payload.get("usage")), counts_billed=counts_billed),
        id=as_text(payload.get("id")),
        raw=payload,
    )


class MessageStream:
    """The state of one streamed message."""

    def __init__(self, *, counts_billed: bool = False) -> None:
        self.is_complete = False
        """The last event came, with a finish reason."""
        self._counts_billed = counts_billed
        self._id = ""
        self._plan = ""
        self._followed_plan = ""
        self._calls = 0
        self._ours_by_theirs: dict[int, int] = {}
        self._bare_calls: set[int] = set()
        """Calls that no piece of arguments has come for."""

    def take(self, event: Mapping[str, Any]) -> list[ChatChunk]:
        """The chunks that one event makes.

        A tool plan is passed on in one piece once something follows it: a call whose tools the model then gets wrong
        ends before anything was answered, and so another target may still be asked.
        """
        kind = event.get("type")
        delta = as_mapping(event.get("delta"))
        message = as_mapping(delta.get("message"))
        if kind == "message-start":
            self._id = as_text(event.get("id"))
            return []
        if kind == "tool-plan-delta":
            self._plan += as_text(message.get("tool_plan"))
            return []
        chunk = self._chunk_of(event, delta, message)
        if chunk is None:
            return []
        chunk.raw = event
        chunks = [*self._planned(), chunk]
        for ready in chunks:
            ready.id = self._id
        return chunks

    def _chunk_of(
        self, event: Mapping[str, Any], delta: Mapping[str, Any], message: Mapping[str, Any]
    ) -> ChatChunk | None:
        kind, index = event.get("type"), as_count(event.get("index"))
        if kind in ("content-start", "content-delta"):
            text, reasoning = read_content(message.get("content"))
            return ChatChunk(text=text, reasoning=reasoning) if text or reasoning else None
        if kind == "citation-start":
            return ChatChunk()
        if kind == "tool-call-start":
            return self._open(index, _first(message.get("tool_calls")))
        if kind == "tool-call-delta":
            return self._grow(index, _first(message.get("tool_calls")))
        if kind == "tool-call-end":
            return self._close(self._ours_by_theirs.get(index))
        return self._end(delta) if kind == "message-end" else None

    def _planned(self) -> list[ChatChunk]:
        if not self._plan:
            return []
        event = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": self._plan}}}
        self._followed_plan, self._plan = self._followed_plan + self._plan, ""
        return [ChatChunk(raw=event)]

    def _open(self, index: int, call: Mapping[str, Any]) -> ChatChunk:
        ours = self._ours_by_theirs[index] = self._calls
        self._calls += 1
        function = as_mapping(call.get("function"))
        arguments = as_arguments(function.get("arguments"))
        if not arguments:
            self._bare_calls.add(ours)
        piece = ToolCallDelta(ours, as_text(call.get("id")), as_text(function.get("name")), arguments)
        if ours == 0:
            piece.extra_content = beside_call(self._followed_plan + self._plan)
        return ChatChunk(tool_calls=[piece])

    def _grow(self, index: int, call: Mapping[str, Any]) -> ChatChunk | None:
        arguments = as_arguments(as_mapping(call.get("function")).get("arguments"))
        ours = self._ours_by_theirs.get(index)
        if ours is None or not arguments:
            return None
        self._bare_calls.discard(ours)
        return ChatChunk(tool_calls=[ToolCallDelta(ours, arguments=arguments)])

    def _close(self, ours: int | None) -> ChatChunk | None:
        if ours not in self._bare_calls:
            return None
        self._bare_calls.discard(ours)
        return ChatChunk(tool_calls=[ToolCallDelta(ours, arguments="{}")])

    def _end(self, delta: Mapping[str, Any]) -> ChatChunk:
        reason = finish_reason_of(delta.get("finish_reason"))
        self.is_complete = reason is not None
        bare = [ToolCallDelta(ours, arguments="{}") for ours in sorted(self._bare_calls)]
        if self._calls and reason == "stop":
            reason = "tool_calls"
        usage = usage_of(as_mapping(delta.get("usage")), counts_billed=self._counts_billed)
        return ChatChunk(tool_calls=bare, finish_reason=reason, usage=usage)


def read_content(content: Any) -> tuple[str, str]:
    """Text and thinking of a message's content: text, one part, or a list of parts."""
    if isinstance(content, str):
        return content, ""
    parts = [as_mapping(part) for part in (content if isinstance(content, list) else [content])]
    return (
        "".join(as_text(part.get("text")) for part in parts),
        "".join(as_text(part.get("thinking")) for part in parts),
    )


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    function = as_mapping(call.get("function"))
    arguments = as_arguments(function.get("arguments")) or "{}"
    return ToolCall(as_text(call.get("id")), as_text(function.get("name")), arguments)


def beside_call(plan: str) -> dict[str, Any] | None:
    """The `extra_content` of the first call that `plan` led to."""
    return {"cohere": {"tool_plan": plan}} if plan else None


def _first(value: Any) -> Mapping[str, Any]:
    """Streams hold one call as an object, some servers as a list of one."""
    return as_mapping(value[0]) if isinstance(value, list) and value else as_mapping(value)


def finish_reason_of(value: Any) -> FinishReason | None:
    return _FINISH_REASONS.get(value.upper(), "stop") if isinstance(value, str) and value else None


def failure_in(ended: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An error body for a whole answer, or the last event's delta, that ended in a failure."""
    reason = as_text(ended.get("finish_reason")).upper()
    if reason not in _FAILURES:
        return None
    code = as_text(ended.get("error_type")) or reason
    message = as_text(ended.get("error")) or f"Cohere ended its answer with {reason}."
    return {"error": {"message": message, "code": code, "type": "timeout_error" if reason == "TIMEOUT" else reason}}


def usage_of(data: Mapping[str, Any], *, counts_billed: bool = False) -> Usage | None:
    """Disjoint meters from the tokens that the model read and wrote, or from those that Cohere bills (ADR 18).

    Cached tokens are part of the input; thinking is part of the output and not told apart.
    """
    told, billed = as_mapping(data.get("tokens")), as_mapping(data.get("billed_units"))
    counts = {**told, **_known(billed)} if counts_billed else {**billed, **_known(told)}
    if not counts.keys() & {"input_tokens", "output_tokens"}:
        return None
    total = as_count(counts.get("input_tokens"))
    cached = 0 if counts_billed else min(as_count(data.get("cached_tokens")), total)
    return Usage(
        input_tokens=total - cached,
        cached_input_tokens=cached,
        output_tokens=as_count(counts.get("output_tokens")),
    )


def _known(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in counts.items() if value is not None}


def embedding_response(payload: Mapping[str, Any], *, provider: str, model: str) -> EmbeddingResponse:
    """Vectors in the order of the input: floats where there are any. Raises ValueError where one can't be read."""
    found = payload.get("embeddings")
    by_type = as_mapping(found)
    rows = by_type.get("float") or next((rows for rows in by_type.values() if rows), found)
    meta = as_mapping(payload.get("meta"))
    return EmbeddingResponse(
        embeddings=[read_vector(row) for row in as_list(rows)],
        model=model,
        provider=provider,
        usage=usage_of(meta),
        raw=payload,
    )


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    rows = map(as_mapping, as_list(payload.get("models")))
    return [
        ModelInfo(
            name=as_text(row["name"]),
            provider=provider,
            context_window=as_count(row.get("context_length")) or None,
            capabilities=frozenset(
                _CAPABILITY_OF_ENDPOINT[endpoint]
                for endpoint in map(as_text, as_list(row.get("endpoints")))
                if endpoint in _CAPABILITY_OF_ENDPOINT
            ),
            raw=row,
        )
        for row in rows
        if row.get("name")
    ]


def next_page(payload: Mapping[str, Any]) -> str:
    """The token of the next page of a list; empty after the last one."""
    return as_text(payload.get("next_page_token"))
