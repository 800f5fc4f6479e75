"""Gemini's answers to ours. Pure. The other way is `requests.py`.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.base.openai_wire import read_vector
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.google.messages import MADE_UP_ID
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

_BLOCKED = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "MODEL_ARMOR", "OTHER",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "ESCALATION", "JAILBREAK",
    }
)  # fmt: skip
_FAILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE", "NO_IMAGE", "PUP_LIMITED_DISABLED",
    }
)  # fmt: skip
_CUT_SHORT = frozenset({"MAX_TOKENS", "CONTINUATION"})
_CAPABILITY_OF_METHOD = {"generateContent": "chat", "embedContent": "embeddings"}
_MAX_ID_STEM = 32


@dataclass(slots=True)
class Parts:
    """What the parts of one candidate hold. Server tools' parts and pictures stay in `raw`."""

    text: str = ""
    reasoning: str = ""
    calls: list[ToolCallDelta] = field(default_factory=list)


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    """A whole answer: that of the first candidate. A prompt that was blocked is an empty one. Raises ValueError for none."""
    candidate = first_candidate(payload)
    reason = finish_reason_of(payload)
    if not candidate and reason is None:
        raise ValueError("it holds no candidate")
    parts = read_parts(candidate, response_id=as_text(payload.get("responseId")), first_index=0)
    if parts.calls and reason in ("stop", None):
        reason = "tool_calls"
    return ChatResponse(
        text=parts.text,
        model=as_text(payload.get("modelVersion")) or model,
        provider=provider,
        finish_reason=reason or "stop",
        tool_calls=[
            ToolCall(call.id or "", call.name or "", call.arguments, call.extra_content) for call in parts.calls
        ],
        reasoning=parts.reasoning,
        usage=usage_of(as_mapping(payload.get("usageMetadata"))),
        id=as_text(payload.get("responseId")),
        raw=payload,
    )


class ContentStream:
    """The state of one streamed answer."""

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._calls = 0
        self._reason: FinishReason | None = None
        self._usage: dict[str, Any] = {}

    @property
    def is_complete(self) -> bool:
        """Whether a finish reason came, or the prompt was blocked."""
        return self._reason is not None

    def take(self, payload: Mapping[str, Any]) -> ChatChunk:
        """The chunk that one piece makes.

        Its usage and finish reason are kept: each piece may repeat both, and only the last ones count.
        """
        self._id = as_text(payload.get("responseId")) or self._id
        self._model = as_text(payload.get("modelVersion")) or self._model
        told = as_mapping(payload.get("usageMetadata"))
        self._usage |= {name: value for name, value in told.items() if value is not None}
        parts = read_parts(first_candidate(payload), response_id=self._id, first_index=self._calls)
        self._calls += len(parts.calls)
        self._reason = finish_reason_of(payload) or self._reason
        return ChatChunk(
            text=parts.text,
            reasoning=parts.reasoning,
            tool_calls=parts.calls,
            id=self._id,
            model=self._model,
            raw=payload,
        )

    def finish(self) -> ChatChunk:
        """The last chunk, with the finish reason and the usage of the whole."""
        reason = "tool_calls" if self._calls and self._reason == "stop" else self._reason
        return ChatChunk(finish_reason=reason, usage=usage_of(self._usage), id=self._id, model=self._model)


def first_candidate(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    for candidate in map(as_mapping, as_list(payload.get("candidates"))):
        if candidate.get("index", 0) in (0, None):
            return candidate
    return {}


def read_parts(candidate: Mapping[str, Any], *, response_id: str, first_index: int) -> Parts:
    found = Parts()
    for part in map(as_mapping, as_list(as_mapping(candidate.get("content")).get("parts"))):
        text = as_text(part.get("text"))
        if part.get("thought"):
            found.reasoning += text
        else:
            found.text += text
        if call := as_mapping(part.get("functionCall")):
            index = first_index + len(found.calls)
            found.calls.append(_tool_call(call, part, index=index, response_id=response_id))
    return found


def _tool_call(call: Mapping[str, Any], part: Mapping[str, Any], *, index: int, response_id: str) -> ToolCallDelta:
    """One call. Where Gemini gives no id it gets one from the answer's and its place, the same however it is read."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "", response_id)[:_MAX_ID_STEM]
    signature = as_text(part.get("thoughtSignature"))
    return ToolCallDelta(
        index=index,
        id=as_text(call.get("id")) or MADE_UP_ID + (f"{stem}_{index}" if stem else str(index)),
        name=as_text(call.get("name")),
        arguments=as_arguments(call.get("args")) or "{}",
        extra_content={"google": {"thought_signature": signature}} if signature else None,
    )


def finish_reason_of(payload: Mapping[str, Any]) -> FinishReason | None:
    """The normalised reason; None where the answer goes on. A blocked prompt has a reason of its own."""
    value = as_text(first_candidate(payload).get("finishReason")).upper()
    if not value or value == "FINISH_REASON_UNSPECIFIED":
        return "content_filter" if as_mapping(payload.get("promptFeedback")).get("blockReason") else None
    if value in _BLOCKED:
        return "content_filter"
    return "length" if value in _CUT_SHORT else "stop"


def failure_in(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An error body for an answer that the model itself spoiled, such as a tool call that can't be read."""
    candidate = first_candidate(payload)
    reason = as_text(candidate.get("finishReason")).upper()
    if reason not in _FAILED:
        return None
    message = as_text(candidate.get("finishMessage")) or f"Gemini ended its answer with {reason}."
    return {"error": {"message": message, "status": reason}}


def usage_of(data: Mapping[str, Any]) -> Usage | None:
    """Disjoint meters. The prompt's count includes cached tokens; thoughts and tool prompts are counted beside."""
    if not data:
        return None
    prompt = as_count(data.get("promptTokenCount"))
    cached = min(as_count(data.get("cachedContentTokenCount")), prompt)
    return Usage(
        input_tokens=prompt - cached + as_count(data.get("toolUsePromptTokenCount")),
        cached_input_tokens=cached,
        output_tokens=as_count(data.get("candidatesTokenCount")),
        reasoning_tokens=as_count(data.get("thoughtsTokenCount")),
    )


def embedding_response(payload: Mapping[str, Any], *, provider: str, model: str) -> EmbeddingResponse:
    """Vectors in the order of the input. Raises ValueError where one can't be read."""
    rows = map(as_mapping, as_list(payload.get("embeddings")))
    return EmbeddingResponse(
        embeddings=[read_vector(row.get("values")) for row in rows],
        model=model,
        provider=provider,
        usage=usage_of(as_mapping(payload.get("usageMetadata"))),
        raw=payload,
    )


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    """Models by the names that calls take, without Google's `models/` before them."""
    rows = map(as_mapping, as_list(payload.get("models")))
    return [
        ModelInfo(
            name=as_text(row["name"]).removeprefix("models/"),
            provider=provider,
            context_window=as_count(row.get("inputTokenLimit")) or None,
            max_output_tokens=as_count(row.get("outputTokenLimit")) or None,
            capabilities=frozenset(
                _CAPABILITY_OF_METHOD[method]
                for method in map(as_text, as_list(row.get("supportedGenerationMethods")))
                if method in _CAPABILITY_OF_METHOD
            ),
            raw=row,
        )
        for row in rows
        if row.get("name")
    ]


def next_page(payload: Mapping[str, Any]) -> str:
    """The token of the next page of a list; empty after the last one."""
    return as_text(payload.get("nextPageToken"))
