"""Our requests to Anthropic's. Pure. Messages and thinking have files of their own.

Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.anthropic.generations import generation_of
from providers.anthropic.messages import read_messages, read_system
from providers.anthropic.thinking import add_thinking
from providers.base.parameters import ParameterRules
from providers.base.reading import as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import ChatRequest

JSON_TOOL = "json_answer"
"""The tool that stands for structured output on models that have none of their own."""
STRUCTURED_OUTPUT_BETA = "structured-outputs-2025-11-13"

_TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_FUNCTION_FIELDS = ("name", "description", "parameters", "strict")


def chat_body(
    request: ChatRequest, *, default_max_tokens: int, rules: ParameterRules | None = None, is_stream: bool = False
) -> dict[str, Any]:
    """The body of a call. `extra` is laid over last and as it is. Raises `LLMProviderInvalidRequestError`."""
    _refuse_unknown_wishes(request)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": default_max_tokens if request.max_tokens is None else request.max_tokens,
        "messages": read_messages(request.messages, model=request.model),
    }
    if system := read_system(request.messages):
        body["system"] = system
    sampling = {name: value for name in ("temperature", "top_p") if (value := getattr(request, name)) is not None}
    body |= rules.apply(sampling, model=request.model) if rules else sampling
    if request.stop is not None:
        body["stop_sequences"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    _add_tools(body, request)
    _add_response_format(body, request)
    add_thinking(body, request.reasoning_effort, model=request.model)
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


# Tools


def _add_tools(body: dict[str, Any], request: ChatRequest) -> None:
    if not request.tools:
        return
    body["tools"] = [_tool(tool) for tool in request.tools]
    choice = _tool_choice(request.tool_choice)
    if request.parallel_tool_calls is False and as_mapping(choice).get("type") != "none":
        choice = {"type": "auto", **(choice or {}), "disable_parallel_tool_use": True}
    if choice is not None:
        body["tool_choice"] = choice


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool; Anthropic's own (`web_search_…`) go through as they are, as do further fields of ours."""
    if tool.get("type") != "function":
        return dict(tool)
    function = as_mapping(tool.get("function"))
    ready: dict[str, Any] = {"name": as_text(function.get("name"))}
    if function.get("description") is not None:
        ready["description"] = function["description"]
    ready["input_schema"] = _input_schema(function.get("parameters"))
    if function.get("strict") is not None:
        ready["strict"] = function["strict"]
    ready |= {name: value for name, value in function.items() if name not in _FUNCTION_FIELDS}
    return ready | {name: value for name, value in tool.items() if name not in ("type", "function")}


def _input_schema(parameters: Any) -> dict[str, Any]:
    """Anthropic wants a schema that says it is an object's, also of a tool without parameters."""
    schema = {name: value for name, value in as_mapping(parameters).items() if name != "type" or value is not None}
    return {"type": "object", **(schema or {"properties": {}})}


def _tool_choice(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, str):
        return {"type": _TOOL_CHOICES.get(choice, "auto")}
    if not isinstance(choice, dict):
        return None
    if choice.get("type") == "function":
        return {"type": "tool", "name": as_text(as_mapping(choice.get("function")).get("name"))}
    return dict(choice)


# Structured output


def needs_structure_beta(request: ChatRequest) -> bool:
    """Whether the call asks for structured output of a model that has it as a beta feature only."""
    generation = generation_of(request.model)
    return _schema_of(request) is not None and generation.has_structured_output and not generation.takes_output_config


def _schema_of(request: ChatRequest) -> Mapping[str, Any] | None:
    wanted = as_mapping(request.response_format)
    if wanted.get("type") != "json_schema":
        return None
    return as_mapping(as_mapping(wanted.get("json_schema")).get("schema"))


def _add_response_format(body: dict[str, Any], request: ChatRequest) -> None:
    """A schema goes in Anthropic's own way; models without one are made to call a tool of that shape."""
    schema = _schema_of(request)
    generation = generation_of(request.model)
    if schema is None:
        if as_mapping(request.response_format).get("type") == "json_object":
            _add_instruction(body, "Answer with one JSON object and nothing else.")
    elif generation.takes_output_config:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    elif generation.has_structured_output:
        body["output_format"] = {"type": "json_schema", "schema": schema}
    else:
        _add_json_tool(body, schema, has_other_tools=bool(request.tools))


def _add_json_tool(body: dict[str, Any], schema: Mapping[str, Any], *, has_other_tools: bool) -> None:
    tool = {
        "name": JSON_TOOL,
        "description": "Gives the answer in the form that was asked for.",
        "input_schema": _input_schema(schema),
    }
    body["tools"] = [*body.get("tools", ()), tool]
    body["tool_choice"] = {"type": "any"} if has_other_tools else {"type": "tool", "name": JSON_TOOL}


def _add_instruction(body: dict[str, Any], text: str) -> None:
    system = body.get("system", "")
    if isinstance(system, str):
        body["system"] = f"{system}\n\n{text}".strip()
    else:
        body["system"] = [*system, {"type": "text", "text": text}]
