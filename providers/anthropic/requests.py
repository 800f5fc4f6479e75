"""Our requests to Anthropic's. Pure.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from providers import jsontext
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import ChatRequest, Message

JSON_TOOL = "json_answer"
"""The tool that stands for structured output on models that have none of their own."""
STRUCTURED_OUTPUT_BETA = "structured-outputs-2025-11-13"

_WITHOUT_STRUCTURED_OUTPUT = re.compile(r"claude-(?:instant|v1|[123]|(?:sonnet|opus)-4(?:-0|-2025|$|@))")
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=-]+)*;base64,(?P<data>.*)", re.DOTALL)
_THINKING_TOKENS = {"low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768}
_SMALLEST_THINKING_TOKENS = 1024
_TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def chat_body(request: ChatRequest, *, default_max_tokens: int, is_stream: bool = False) -> dict[str, Any]:
    """The body of a call. `extra` is laid over last and as it is. Raises `LLMProviderInvalidRequestError`."""
    _refuse_unknown_wishes(request)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or default_max_tokens,
        "messages": read_messages(request.messages),
    }
    if system := read_system(request.messages):
        body["system"] = system
    for name in ("temperature", "top_p"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    if request.stop is not None:
        body["stop_sequences"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    _add_tools(body, request)
    _add_response_format(body, request)
    _add_thinking(body, request)
    if is_stream:
        body["stream"] = True
    return body | request.extra


def _refuse_unknown_wishes(request: ChatRequest) -> None:
    for name, is_wanted in (("n", (request.n or 1) > 1), ("logprobs", bool(request.logprobs))):
        if is_wanted:
            raise LLMProviderInvalidRequestError(
                f"Anthropic does not take the parameter {name}. Leave it out, or use a model of another provider.",
                model=request.model,
                code="unsupported_parameter",
            )


# Messages


def read_system(messages: Iterable[Message]) -> str | list[dict[str, Any]]:
    """All system and developer messages: text, or blocks where one carries more than text (`cache_control`)."""
    blocks: list[dict[str, Any]] = []
    for message in messages:
        if message.get("role") in ("system", "developer"):
            blocks += read_content(message.get("content"))
    if all(block.keys() == {"type", "text"} for block in blocks):
        return "\n\n".join(as_text(block["text"]) for block in blocks)
    return blocks


def read_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The turns. Neighbours of one role become one turn, so the results of parallel tool calls stand together."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        if role in ("tool", "function"):
            _add_turn(turns, "user", [_tool_result(message)])
        elif role == "assistant":
            _add_turn(turns, "assistant", _assistant_blocks(message))
        else:
            _add_turn(turns, "user", read_content(message.get("content")))
    return turns


def _add_turn(turns: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _assistant_blocks(message: Message) -> list[dict[str, Any]]:
    """Thinking first, as Anthropic wants it, then text, then tool calls."""
    blocks = [dict(block) for block in as_list(message.get("thinking_blocks")) if isinstance(block, dict)]
    blocks += read_content(message.get("content"))
    for call in map(as_mapping, as_list(message.get("tool_calls"))):
        function = as_mapping(call.get("function"))
        blocks.append(
            {
                "type": "tool_use",
                "id": as_text(call.get("id")),
                "name": as_text(function.get("name")),
                "input": _read_arguments(function.get("arguments"), name=as_text(function.get("name"))),
            }
        )
    return blocks


def _read_arguments(arguments: Any, *, name: str) -> Any:
    if isinstance(arguments, str):
        try:
            arguments = jsontext.parse(arguments) if arguments.strip() else {}
        except ValueError:
            arguments = None
    if not isinstance(arguments, dict):
        raise LLMProviderInvalidRequestError(
            f"The arguments of the earlier tool call {name!r} are no JSON object, which Anthropic wants.",
            code="invalid_tool_call",
        )
    return arguments


def _tool_result(message: Message) -> dict[str, Any]:
    content = message.get("content")
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": as_text(message.get("tool_call_id"))}
    result["content"] = content if isinstance(content, str) else read_content(content)
    for name in ("is_error", "cache_control"):
        if name in message:
            result[name] = message[name]
    return result


def read_content(content: Any) -> list[dict[str, Any]]:
    """Text or parts as blocks. Empty text is left out, since Anthropic refuses it; its own blocks go through as they are."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content)
    blocks = (_read_part(part) for part in parts if isinstance(part, dict))
    return [block for block in blocks if block.get("type") != "text" or block.get("text")]


def _read_part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "image_url":
        block = {"type": "image", "source": _image_source(part.get("image_url"))}
    elif kind == "file":
        block = _document(as_mapping(part.get("file")))
    elif kind == "refusal":
        block = {"type": "text", "text": as_text(part.get("refusal"))}
    else:
        return dict(part)
    if "cache_control" in part:
        block["cache_control"] = part["cache_control"]
    return block


def _image_source(image: Any) -> dict[str, Any]:
    url = as_text(as_mapping(image).get("url")) or as_text(image)
    return _base64_source(url) or {"type": "url", "url": url}


def _document(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file by its id, its address or its contents. Plain text has a source of its own."""
    data = as_text(file.get("file_data"))
    source: dict[str, Any]
    if file_id := as_text(file.get("file_id")):
        source = {"type": "file", "file_id": file_id}
    elif data.startswith(("http://", "https://")):
        source = {"type": "url", "url": data}
    else:
        source = _base64_source(data) or {"type": "base64", "media_type": "application/pdf", "data": data}
    block: dict[str, Any] = {"type": "document", "source": source}
    if filename := as_text(file.get("filename")):
        block["title"] = filename
    return block


def _base64_source(url: str) -> dict[str, Any] | None:
    found = _DATA_URL.fullmatch(url)
    return {"type": "base64", "media_type": found["type"], "data": found["data"]} if found else None


# Tools


def _add_tools(body: dict[str, Any], request: ChatRequest) -> None:
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    choice = _tool_choice(request.tool_choice)
    if request.parallel_tool_calls is False and request.tools:
        choice = {"type": "auto", **(choice or {}), "disable_parallel_tool_use": True}
    if choice is not None and request.tools:
        body["tool_choice"] = choice


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool; Anthropic's own (`web_search_…`) go through as they are, as do further fields of ours."""
    if tool.get("type") != "function":
        return dict(tool)
    function = as_mapping(tool.get("function"))
    ready: dict[str, Any] = {"name": as_text(function.get("name"))}
    if "description" in function:
        ready["description"] = function["description"]
    ready["input_schema"] = function.get("parameters") or {"type": "object", "properties": {}}
    if function.get("strict") is not None:
        ready["strict"] = function["strict"]
    return ready | {name: value for name, value in tool.items() if name not in ("type", "function")}


def _tool_choice(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, str):
        return {"type": _TOOL_CHOICES.get(choice, "auto")}
    if not isinstance(choice, dict):
        return None
    if choice.get("type") == "function":
        return {"type": "tool", "name": as_text(as_mapping(choice.get("function")).get("name"))}
    return dict(choice)


# Structured output and thinking


def wants_native_structure(request: ChatRequest) -> bool:
    """Whether the call asks for structured output, of a model that has it."""
    return _schema_of(request) is not None and not _WITHOUT_STRUCTURED_OUTPUT.match(request.model)


def _schema_of(request: ChatRequest) -> Mapping[str, Any] | None:
    wanted = as_mapping(request.response_format)
    if wanted.get("type") != "json_schema":
        return None
    return as_mapping(as_mapping(wanted.get("json_schema")).get("schema"))


def _add_response_format(body: dict[str, Any], request: ChatRequest) -> None:
    """A schema goes in Anthropic's own way; models without one are made to call a tool of that shape."""
    schema = _schema_of(request)
    if schema is not None and wants_native_structure(request):
        body["output_format"] = {"type": "json_schema", "schema": schema}
    elif schema is not None:
        body["tools"] = [
            *body.get("tools", ()),
            {
                "name": JSON_TOOL,
                "description": "Gives the answer in the form that was asked for.",
                "input_schema": schema,
            },
        ]
        body["tool_choice"] = {"type": "any"} if request.tools else {"type": "tool", "name": JSON_TOOL}
    elif as_mapping(request.response_format).get("type") == "json_object":
        _add_instruction(body, "Answer with one JSON object and nothing else.")


def _add_instruction(body: dict[str, Any], text: str) -> None:
    system = body.get("system", "")
    if isinstance(system, str):
        body["system"] = f"{system}\n\n{text}".strip()
    else:
        body["system"] = [*system, {"type": "text", "text": text}]


def _add_thinking(body: dict[str, Any], request: ChatRequest) -> None:
    """`reasoning_effort` as a budget of thinking tokens, where the limit leaves room for it.

    Thinking goes with neither a forced tool nor a temperature.
    """
    budget = _THINKING_TOKENS.get(request.reasoning_effort or "", 0)
    budget = min(budget, body["max_tokens"] // 2)
    is_forced = as_mapping(body.get("tool_choice")).get("type") in ("any", "tool")
    if budget < _SMALLEST_THINKING_TOKENS or is_forced:
        return
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    body.pop("temperature", None)
    body.pop("top_p", None)
