"""What we say to a provider and what we hear back, in one form for every vendor.

Requests carry OpenAI's Chat Completions names, since that is what callers know; every adapter translates from this one
form. Answers carry normalised text, tool calls, finish reason and disjoint token meters, and keep the vendor's own body
in `raw`.

Source of the field names: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token meters of one call. They are disjoint: no token is counted in two of them.

    `input_tokens` is input that was neither read from nor written to a prompt cache; `output_tokens` is visible output
    without reasoning. A vendor's totals are `total_input_tokens` and `total_output_tokens`.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_input_tokens(self) -> int:
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens

    @property
    def total_output_tokens(self) -> int:
        return self.output_tokens + self.reasoning_tokens

    @property
    def total_tokens(self) -> int:
        return self.total_input_tokens + self.total_output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, meter) + getattr(other, meter) for meter in METERS))

    def as_dict(self) -> dict[str, int]:
        return {meter: getattr(self, meter) for meter in METERS}

    def to_openai(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.total_input_tokens,
            "completion_tokens": self.total_output_tokens,
            "total_tokens": self.total_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_input_tokens},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }


METERS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


@dataclass(slots=True)
class ToolCall:
    """One call that the model asks for. `arguments` is JSON text, as in OpenAI's API, never a parsed object.

    `extra_content` is what the vendor wants to see again with the call in the next turn (Gemini's thought signatures).
    """

    id: str
    name: str
    arguments: str
    extra_content: Mapping[str, Any] | None = None

    def to_openai(self) -> dict[str, Any]:
        call = {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}
        return call | {"extra_content": self.extra_content} if self.extra_content else call


@dataclass(slots=True)
class ToolCallDelta:
    """A piece of a streamed tool call. `id`, `name` and `extra_content` come once, with the first piece of their `index`."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra_content: Mapping[str, Any] | None = None

    def to_openai(self) -> dict[str, Any]:
        function: dict[str, Any] = {"arguments": self.arguments}
        piece: dict[str, Any] = {"index": self.index, "function": function}
        if self.id is not None:
            piece |= {"id": self.id, "type": "function"}
        if self.name is not None:
            function["name"] = self.name
        if self.extra_content:
            piece["extra_content"] = self.extra_content
        return piece


@dataclass(slots=True)
class ChatRequest:
    """A chat in OpenAI's form. Fields left at None are not sent; `extra` goes through to the vendor untouched.

    `messages` may hold text, image and file parts, tool calls and tool results, all in OpenAI's format.
    """

    model: str
    messages: Sequence[Message]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | Sequence[str] | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: Mapping[str, Any] | None = None
    seed: int | None = None
    user: str | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_openai(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Read a Chat Completions body; names that we don't know go to `extra`.

        `stream` and `stream_options` are dropped, since streaming is the caller's choice of method;
        `max_completion_tokens` is the newer name of `max_tokens`.
        """
        known: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in body.items():
            if name in ("stream", "stream_options"):
                continue
            if name == "max_completion_tokens":
                known["max_tokens"] = value
            elif name in _CHAT_FIELDS:
                known[name] = value
            else:
                extra[name] = value
        return cls(**known, extra=extra)


_CHAT_FIELDS = frozenset(ChatRequest.__dataclass_fields__) - {"extra", "headers"}


@dataclass(slots=True)
class ChatResponse:
    """One whole answer. `finish_reason` is normalised; `raw` is the vendor's body as parsed."""

    text: str
    model: str
    provider: str
    finish_reason: FinishReason = "stop"
    tool_calls: list[ToolCall] = field(default_factory=list)
    reasoning: str = ""
    usage: Usage | None = None
    id: str = ""
    raw: Any = None
    latency_ms: float = 0.0
    created: int = field(default_factory=lambda: int(time.time()))
    cost_usd: str | None = None
    """What the vendor itself says the call cost (OpenRouter's `usage.cost`), as text, or None."""

    def __str__(self) -> str:
        return self.text

    def to_openai(self) -> dict[str, Any]:
        """A valid `chat.completion` body, whatever the vendor's own dialect is."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None, "refusal": None}
        if not self.tool_calls and not self.text:
            message["content"] = ""
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.tool_calls:
            message["tool_calls"] = [call.to_openai() for call in self.tool_calls]
        body: dict[str, Any] = {
            "id": self.id or "chatcmpl-none",
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}],
        }
        if self.usage is not None:
            body["usage"] = self.usage.to_openai()
        return body

    def as_chunk(self) -> ChatChunk:
        """The whole answer as the one piece of a stream: some servers send one body where a stream was asked for."""
        return ChatChunk(
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=[
                ToolCallDelta(index, call.id, call.name, call.arguments, call.extra_content)
                for index, call in enumerate(self.tool_calls)
            ],
            finish_reason=self.finish_reason,
            usage=self.usage,
            id=self.id,
            model=self.model,
            raw=self.raw,
            cost_usd=self.cost_usd,
        )


@dataclass(slots=True)
class ChatChunk:
    """One piece of a streamed answer. `finish_reason` comes once; `usage` comes with the last chunk, if at all."""

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallDelta] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    id: str = ""
    model: str = ""
    raw: Any = None
    cost_usd: str | None = None


@dataclass(slots=True)
class CompletionRequest:
    """A text completion: the older API that continues a prompt."""

    model: str
    prompt: str | Sequence[str]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | Sequence[str] | None = None
    seed: int | None = None
    user: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class CompletionResponse:
    """One whole text completion."""

    text: str
    model: str
    provider: str
    finish_reason: FinishReason = "stop"
    usage: Usage | None = None
    id: str = ""
    raw: Any = None
    latency_ms: float = 0.0


@dataclass(slots=True)
class EmbeddingRequest:
    """Texts to turn into vectors; the answer's order is the order of `input`."""

    model: str
    input: Sequence[str]
    dimensions: int | None = None
    user: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class EmbeddingResponse:
    """Vectors in the order of the request's `input`."""

    embeddings: list[list[float]]
    model: str
    provider: str
    usage: Usage | None = None
    raw: Any = None
    latency_ms: float = 0.0


@dataclass(slots=True)
class ModelInfo:
    """What is known of one model, from its vendor's list or from the folder's `models.toml`."""

    name: str
    provider: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    raw: Any = None


@dataclass(slots=True)
class HealthReport:
    """The outcome of one live check, with what went wrong in words that name the usual mend."""

    is_healthy: bool
    latency_ms: float
    step: Literal["ok", "address", "dns", "refused", "tls", "timeout", "key", "model", "upstream"] = "ok"
    message: str = ""
