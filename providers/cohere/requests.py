"""Our requests to Cohere's. Pure.

Source: https://docs.cohere.com/reference/chat and https://docs.cohere.com/reference/embed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.base.parameters import ParameterRules
from providers.base.reading import as_arguments, as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import ChatRequest, EmbeddingRequest, Message

_SAME = ("temperature", "max_tokens", "presence_penalty", "frequency_penalty", "seed")
_ROLES = {"developer": "system", "function": "tool"}
_CHOICES = {"required": "REQUIRED", "none": "NONE"}
_THINKING_TOKENS = {"low": 1024, "medium": 4096}
_MESSAGE_FIELDS = ("tool_plan", "citations", "tool_call_id")


def chat_body(
    request: ChatRequest, *, settings: Mapping[str, Any], rules: ParameterRules | None = None, is_stream: bool = False
) -> dict[str, Any]:
    """The body of a chat. `settings` are the provider's options; `extra` is laid over last and as it is.

    Raises `LLMProviderInvalidRequestError`.
    """
    if (request.n or 1) > 1:
        raise LLMProviderInvalidRequestError(
            "Cohere does not take the parameter n. Leave it out, or use a model of another provider.",
            model=request.model,
            code="unsupported_parameter",
        )
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [read_message(message) for message in request.messages],
        "stream": is_stream,
    }
    body |= {name: value for name in _SAME if (value := getattr(request, name)) is not None}
    if request.top_p is not None:
        body["p"] = request.top_p
    if request.stop is not None:
        body["stop_sequences"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    if request.logprobs:
        body["logprobs"] = True
    if settings.get("safety_mode") and not request.tools:
        body["safety_mode"] = settings["safety_mode"]
    _add_tools(body, request)
    _add_response_format(body, request)
    if rules is None or "reasoning_effort" not in rules.dropped:
        _add_thinking(body, request.reasoning_effort)
    return body | request.extra


# Messages


def read_message(message: Message) -> dict[str, Any]:
    """One message. Cohere's own fields (`tool_plan`, `citations`) and parts (`document`) go through as they are."""
    role = as_text(message.get("role")) or "user"
    ready: dict[str, Any] = {"role": _ROLES.get(role, role)}
    ready |= {name: message[name] for name in _MESSAGE_FIELDS if message.get(name)}
    content = message.get("content")
    if isinstance(content, list):
        ready["content"] = [_part(as_mapping(part)) for part in content]
    elif content or role != "assistant":
        ready["content"] = as_text(content)
    if calls := [as_mapping(call) for call in as_list(message.get("tool_calls"))]:
        ready["tool_calls"] = [_earlier_call(call) for call in calls]
        if plan := as_text(as_mapping(as_mapping(calls[0].get("extra_content")).get("cohere")).get("tool_plan")):
            ready.setdefault("tool_plan", plan)
    return ready


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "image_url" and isinstance(part.get("image_url"), str):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    if kind in ("text", "refusal"):
        return {"type": "text", "text": as_text(part.get(kind))}
    return dict(part)


def _earlier_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = as_mapping(call.get("function"))
    arguments = as_arguments(function.get("arguments")) or "{}"
    return {
        "id": as_text(call.get("id")),
        "type": "function",
        "function": {"name": as_text(function.get("name")), "arguments": arguments},
    }


# Tools, structured output and thinking


def _add_tools(body: dict[str, Any], request: ChatRequest) -> None:
    """Cohere can't be told which tool to call, so a call that names one offers no other."""
    if not request.tools:
        return
    tools = list(request.tools)
    choice = request.tool_choice
    name = as_text(as_mapping(as_mapping(choice).get("function")).get("name"))
    if name:
        tools = [tool for tool in tools if as_mapping(tool.get("function")).get("name") == name] or tools
        choice = "required"
    body["tools"] = [_tool(tool) for tool in tools]
    if any(as_mapping(tool.get("function")).get("strict") for tool in tools):
        body["strict_tools"] = True
    if isinstance(choice, str) and choice in _CHOICES:
        body["tool_choice"] = _CHOICES[choice]


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return dict(tool)
    function = {name: value for name, value in as_mapping(tool.get("function")).items() if name != "strict"}
    function.setdefault("parameters", {"type": "object", "properties": {}})
    return {"type": "function", "function": function}


def _add_response_format(body: dict[str, Any], request: ChatRequest) -> None:
    wanted = as_mapping(request.response_format)
    if wanted.get("type") not in ("json_object", "json_schema"):
        return
    body["response_format"] = {"type": "json_object"}
    if schema := as_mapping(wanted.get("json_schema")).get("schema"):
        body["response_format"]["json_schema"] = schema


def _add_thinking(body: dict[str, Any], effort: str | None) -> None:
    """`reasoning_effort` as a budget of thinking tokens; high is without one."""
    if effort is None:
        return
    if effort in ("none", "minimal"):
        body["thinking"] = {"type": "disabled"}
        return
    budget = {"token_budget": _THINKING_TOKENS[effort]} if effort in _THINKING_TOKENS else {}
    body["thinking"] = {"type": "enabled"} | budget


# Embeddings


def embedding_body(request: EmbeddingRequest, *, settings: Mapping[str, Any]) -> dict[str, Any]:
    texts = [request.input] if isinstance(request.input, str) else list(request.input)
    body: dict[str, Any] = {
        "model": request.model,
        **({"texts": texts} if texts else {}),
        "input_type": settings.get("input_type") or "search_document",
        "embedding_types": ["float"],
    }
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    return body | request.extra
