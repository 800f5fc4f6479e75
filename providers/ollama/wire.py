"""Ollama's own dialect: our requests to its bodies, its bodies and lines to our answers. Pure.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers import jsontext
from providers.base.reading import as_arguments, as_count, as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    EmbeddingRequest,
    FinishReason,
    Message,
    ModelInfo,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "num_predict",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
}
_DATA_URL = re.compile(r"data:[^,]*;base64,", re.ASCII)
_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


def chat_body(request: ChatRequest, *, settings: Mapping[str, Any], is_stream: bool = False) -> dict[str, Any]:
    """The body of a chat. `settings` are the provider's options; `extra` is laid over last and as it is."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [read_message(message) for message in request.messages],
        "stream": is_stream,
    }
    options = {theirs: value for ours, theirs in _OPTIONS.items() if (value := getattr(request, ours)) is not None}
    if request.stop is not None:
        options["stop"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    if settings.get("num_ctx"):
        options["num_ctx"] = int(settings["num_ctx"])
    if request.tools:
        body["tools"] = list(request.tools)
    if (wanted := _format(request)) is not None:
        body["format"] = wanted
    if request.reasoning_effort is not None:
        body["think"] = request.reasoning_effort if request.reasoning_effort in ("low", "medium", "high") else False
    if settings.get("keep_alive") not in (None, ""):
        body["keep_alive"] = settings["keep_alive"]
    extra = dict(request.extra)
    options |= as_mapping(extra.pop("options", None))
    if options:
        body["options"] = options
    return body | extra


def _format(request: ChatRequest) -> Any:
    wanted = as_mapping(request.response_format)
    if wanted.get("type") == "json_object":
        return "json"
    if wanted.get("type") == "json_schema":
        return as_mapping(wanted.get("json_schema")).get("schema") or "json"
    return None


def read_message(message: Message) -> dict[str, Any]:
    """One message: text apart from pictures, which Ollama takes as bare base64; tool arguments as objects."""
    ready: dict[str, Any] = {"role": _role(message)}
    content = message.get("content")
    if isinstance(content, list):
        ready["content"] = "\n".join(
            as_text(part.get("text")) for part in content if as_mapping(part).get("type") == "text"
        )
        images = [_image(part) for part in content if as_mapping(part).get("type") == "image_url"]
        if images:
            ready["images"] = images
    else:
        ready["content"] = as_text(content)
    if calls := as_list(message.get("tool_calls")):
        ready["tool_calls"] = [_earlier_call(as_mapping(call)) for call in calls]
    if name := message.get("name"):
        ready["tool_name"] = name
    return ready


def _role(message: Message) -> str:
    role = as_text(message.get("role")) or "user"
    return {"developer": "system", "function": "tool"}.get(role, role)


def _image(part: Mapping[str, Any]) -> str:
    url = as_text(as_mapping(part.get("image_url")).get("url")) or as_text(part.get("image_url"))
    found = _DATA_URL.match(url)
    if found is None:
        raise LLMProviderInvalidRequestError(
            "Ollama takes pictures as data only, not by address. Send the picture as a data: URL.",
            code="unsupported_image",
        )
    return url[found.end() :]


def _earlier_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = as_mapping(call.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = jsontext.parse(arguments) if arguments.strip() else {}
        except ValueError:
            arguments = {}
    return {"function": {"name": as_text(function.get("name")), "arguments": arguments or {}}}


def chat_response(payload: Mapping[str, Any], *, provider: str, model: str) -> ChatResponse:
    message = as_mapping(payload.get("message"))
    calls = [ToolCall(call.id or "", call.name or "", call.arguments) for call in tool_calls_of(message, first_index=0)]
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


class LineStream:
    """The state of one streamed answer."""

    def __init__(self) -> None:
        self.is_complete = False
        self._calls = 0

    def take(self, payload: Mapping[str, Any]) -> ChatChunk:
        message = as_mapping(payload.get("message"))
        calls = tool_calls_of(message, first_index=self._calls)
        self._calls += len(calls)
        chunk = ChatChunk(
            text=as_text(message.get("content")),
            reasoning=as_text(message.get("thinking")),
            tool_calls=calls,
            model=as_text(payload.get("model")),
            raw=payload,
        )
        if payload.get("done"):
            self.is_complete = True
            chunk.finish_reason = finish_reason_of(payload, has_calls=self._calls > 0)
            chunk.usage = usage_of(payload)
        return chunk


def tool_calls_of(message: Mapping[str, Any], *, first_index: int) -> list[ToolCallDelta]:
    """A message's calls. Older servers give them no id, so they get one by their place."""
    calls = []
    for index, call in enumerate(map(as_mapping, as_list(message.get("tool_calls"))), start=first_index):
        function = as_mapping(call.get("function"))
        calls.append(
            ToolCallDelta(
                index=index,
                id=as_text(call.get("id")) or f"call_{index}",
                name=as_text(function.get("name")),
                arguments=as_arguments(function.get("arguments")) or "{}",
            )
        )
    return calls


def finish_reason_of(payload: Mapping[str, Any], *, has_calls: bool) -> FinishReason | None:
    """Ollama says `stop` for tool calls too, and old versions say nothing but `done`."""
    if not payload.get("done"):
        return None
    return "tool_calls" if has_calls else _FINISH_REASONS.get(as_text(payload.get("done_reason")), "stop")


def usage_of(payload: Mapping[str, Any]) -> Usage | None:
    """`prompt_eval_count` is missing where the prompt was still in memory."""
    if "eval_count" not in payload and "prompt_eval_count" not in payload:
        return None
    return Usage(
        input_tokens=as_count(payload.get("prompt_eval_count")), output_tokens=as_count(payload.get("eval_count"))
    )


def embedding_body(request: EmbeddingRequest) -> dict[str, Any]:
    body: dict[str, Any] = {"model": request.model, "input": list(request.input)}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return body | request.extra


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    rows = map(as_mapping, as_list(payload.get("models")))
    return [ModelInfo(name=as_text(row["name"]), provider=provider, raw=row) for row in rows if row.get("name")]
