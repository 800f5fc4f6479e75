"""OpenAI's Chat Completions dialect: our requests to its bodies, its bodies and chunks to our answers. Pure.

Many vendors speak it with an accent: null deltas, empty `choices`, content as a list of parts, integer ids, arguments
as objects, reasoning under two names, usage with or without choices. All of that is read here.
Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import base64
import binascii
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from providers.base.finish_reasons import finish_reason_of
from providers.base.openai_usage import cost_of, usage_in, usage_of
from providers.base.parameters import ParameterRules
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    CompletionResponse,
    EmbeddingRequest,
    EmbeddingResponse,
    ToolCall,
    ToolCallDelta,
)

_CHAT_FIELDS = tuple(f.name for f in fields(ChatRequest) if f.name not in ("extra", "headers"))
_COMPLETION_FIELDS = tuple(f.name for f in fields(CompletionRequest) if f.name not in ("extra", "headers"))
_ID_STEM_CHARS = 24
_EMBEDDING_FIELDS = tuple(f.name for f in fields(EmbeddingRequest) if f.name not in ("extra", "headers"))


# Our requests to bodies


def chat_body(
    request: ChatRequest, *, rules: ParameterRules | None = None, is_stream: bool = False, asks_for_usage: bool = True
) -> dict[str, Any]:
    """The body of a chat. `extra` is laid over last and as it is."""
    body = _body(request, _CHAT_FIELDS, rules)
    if is_stream:
        body["stream"] = True
        if asks_for_usage:
            body["stream_options"] = {"include_usage": True, **as_mapping(request.extra.get("stream_options"))}
    return body


def completion_body(
    request: CompletionRequest,
    *,
    rules: ParameterRules | None = None,
    is_stream: bool = False,
    asks_for_usage: bool = True,
) -> dict[str, Any]:
    body = _body(request, _COMPLETION_FIELDS, rules)
    if is_stream:
        body["stream"] = True
        if asks_for_usage:
            body["stream_options"] = {"include_usage": True, **as_mapping(request.extra.get("stream_options"))}
    return body


def embedding_body(request: EmbeddingRequest, *, rules: ParameterRules | None = None) -> dict[str, Any]:
    return _body(request, _EMBEDDING_FIELDS, rules)


def _body(request: Any, names: Sequence[str], rules: ParameterRules | None) -> dict[str, Any]:
    body = {name: value for name in names if (value := getattr(request, name)) is not None}
    if rules:
        body = rules.apply(body, model=request.model)
    if request.extra:
        body.update(request.extra)
    return body


# Bodies to our answers


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    """A whole `chat.completion` body. Text, tools and finish reason are those of the first choice.

    The older `function_call`, which only an answer to the older `functions` has, stays in `raw`: it has no id.
    """
    choice = _first_choice(payload) or next(map(as_mapping, as_list(payload.get("choices"))), {})
    message = as_mapping(choice.get("message"))
    text, inner_reasoning = read_content(message.get("content") if "content" in message else choice.get("text"))
    usage_data = usage_in(payload)
    identity = as_text(payload.get("id"))
    found = (call for call in as_list(message.get("tool_calls")) if isinstance(call, dict))
    calls = [_tool_call(call, identity, index) for index, call in enumerate(found)]
    reason = finish_reason_of(choice.get("finish_reason")) or "stop"
    return ChatResponse(
        text=text,
        model=as_text(payload.get("model")) or model,
        provider=provider,
        finish_reason="tool_calls" if calls and reason == "stop" else reason,
        tool_calls=calls,
        reasoning=_reasoning(message) or inner_reasoning,
        usage=usage_of(usage_data),
        id=identity,
        raw=payload,
        created=as_count(payload.get("created")) or int(time.time()),
        cost_usd=cost_of(usage_data),
    )


def chat_chunk(payload: Mapping[str, Any]) -> ChatChunk:
    """One `chat.completion.chunk`. Pieces of choices other than the first stay in `raw` only."""
    chunk = ChatChunk(id=as_text(payload.get("id")), model=as_text(payload.get("model")), raw=payload)
    usage_data = payload.get("usage")
    if usage_data:
        chunk.usage = usage_of(as_mapping(usage_data))
        chunk.cost_usd = cost_of(as_mapping(usage_data))
    choice = _first_choice(payload)
    if not choice:
        if not usage_data:
            chunk.usage = usage_of(usage_in(payload))
        return chunk
    delta = as_mapping(choice.get("delta")) or as_mapping(choice.get("message"))
    if delta:
        content = delta.get("content")
        if isinstance(content, str):
            chunk.text = content
            chunk.reasoning = _reasoning(delta)
        else:
            chunk.text, inner_reasoning = read_content(content)
            chunk.reasoning = _reasoning(delta) or inner_reasoning
        if calls := delta.get("tool_calls"):
            chunk.tool_calls = [_tool_call_delta(call) for call in as_list(calls) if isinstance(call, dict)]
    elif "text" in choice:
        chunk.text = as_text(choice["text"])
    if reason := choice.get("finish_reason"):
        chunk.finish_reason = finish_reason_of(reason)
        if not usage_data:
            chunk.usage = usage_of(usage_in(payload))
    return chunk


def completion_response(payload: Mapping[str, Any], *, provider: str, model: str) -> CompletionResponse:
    choice = _first_choice(payload)
    return CompletionResponse(
        text=as_text(choice.get("text")),
        model=as_text(payload.get("model")) or model,
        provider=provider,
        finish_reason=finish_reason_of(choice.get("finish_reason")) or "stop",
        usage=usage_of(usage_in(payload)),
        id=as_text(payload.get("id")),
        raw=payload,
    )


def embedding_response(payload: Mapping[str, Any], *, provider: str, model: str) -> EmbeddingResponse:
    """Vectors in the order of the input. Raises ValueError where one can't be read."""
    rows = [as_mapping(row) for row in as_list(payload.get("data"))]
    if all(isinstance(row.get("index"), int) for row in rows):
        rows.sort(key=lambda row: int(row["index"]))
    return EmbeddingResponse(
        embeddings=[read_vector(row.get("embedding")) for row in rows],
        model=as_text(payload.get("model")) or model,
        provider=provider,
        usage=usage_of(as_mapping(payload.get("usage"))),
        raw=payload,
    )


def read_vector(value: Any) -> list[float]:
    """A vector as numbers; base64 holds little-endian 32-bit floats. Raises ValueError."""
    if isinstance(value, str):
        try:
            data = base64.b64decode(value, validate=True)
            return list(struct.unpack(f"<{len(data) // 4}f", data))
        except (binascii.Error, struct.error) as error:
            raise ValueError(f"a vector's base64 can't be read: {error}") from error
    if not isinstance(value, list) or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in value):
        raise ValueError("a vector is not a list of numbers")
    return [float(number) for number in value]


# Their parts


def read_content(content: Any) -> tuple[str, str]:
    """Text and reasoning of a message's `content`: text, nothing, or a list of parts."""
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    reasoning: list[str] = []
    for part in as_list(content):
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, dict):
            kind = part.get("type") or ("thinking" if "thinking" in part else None)
            if kind in ("text", "output_text", None):
                text.append(as_text(part.get("text")))
            elif kind in ("thinking", "reasoning"):
                inner = part.get(kind) or part.get("text")
                reasoning.append(inner if isinstance(inner, str) else read_content(inner)[0])
    return "".join(text), "".join(reasoning)


def _first_choice(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The choice with index 0, or an empty one where this body has none of it."""
    for choice in as_list(payload.get("choices")):
        if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
            return choice
    return {}


def made_up_id(response_id: str, index: int) -> str:
    """An id for a call whose vendor gave none, since callers tell calls apart by it; another one in each answer."""
    stem = "".join(char for char in response_id if char.isascii() and char.isalnum())[-_ID_STEM_CHARS:]
    return f"call_{stem}_{index}" if stem else f"call_{index}"


def _reasoning(message: Mapping[str, Any]) -> str:
    said = as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))
    if not said and (blocks := message.get("content_blocks")):
        return read_content([as_mapping(block).get("delta") or block for block in as_list(blocks)])[1]
    return said


def _tool_call(call: Mapping[str, Any], response_id: str, index: int) -> ToolCall:
    function = as_mapping(call.get("function"))
    return ToolCall(
        as_text(call.get("id")) or made_up_id(response_id, index),
        as_text(function.get("name")),
        as_arguments(function.get("arguments")) or "{}",
        as_mapping(call.get("extra_content")) or None,
    )


def _tool_call_delta(call: Mapping[str, Any]) -> ToolCallDelta:
    """One piece; an index that the vendor left out is -1, for `ToolCallOrder` to settle."""
    function = as_mapping(call.get("function"))
    index = call.get("index")
    return ToolCallDelta(
        index=index if isinstance(index, int) and not isinstance(index, bool) else -1,
        id=as_text(call.get("id")) or None,
        name=as_text(function.get("name")) or None,
        arguments=as_arguments(function.get("arguments")),
        extra_content=as_mapping(call.get("extra_content")) or None,
    )
