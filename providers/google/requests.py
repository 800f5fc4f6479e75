"""Our requests to Gemini's. Pure. Messages have a file of their own.

Source: https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/thinking
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from providers.base.reading import as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.google.messages import read_contents, read_system
from providers.types import ChatRequest, EmbeddingRequest

_CONFIG_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}

_THINKS_IN_LEVELS = re.compile(r"(?:models/)?gemini-(?:[3-9]|\d\d|(?:pro|flash|flash-lite)-latest)")
"""Gemini 3 and later: thinking levels, and signatures that must come back."""
_THINKS_AT_LEAST_LOW = re.compile(r"(?:models/)?gemini-(?:.*-pro|pro-|3\.[78]|[4-9]|\d\d|flash-latest)")
"""Pro models, and Flash from 3.7 on, refuse `minimal`.
https://ai.google.dev/gemini-api/docs/generate-content/whats-new-gemini-3.7"""
_THINKS_IN_TOKENS = re.compile(r"(?:models/)?gemini-2\.5")
_LEVELS = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}
_SMALLEST_BUDGET_OF_PRO = 128

_OPENAPI_KEYS = frozenset(
    {
        "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
        "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
        "default", "items", "minimum", "maximum",
    }
)  # fmt: skip
_OPENAPI_FORMATS = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})


def model_path(path: str, model: str) -> str:
    """The path of a call to `model`. Raises `LLMProviderInvalidRequestError` for a name that would lead elsewhere."""
    name = model.removeprefix("models/")
    if not name or any(piece in ("", ".", "..") for piece in name.split("/")):
        raise LLMProviderInvalidRequestError(f"{model!r} is no name of a model.", model=model, code="invalid_model")
    if name.startswith("tunedModels/"):
        path = path.replace("/models/{model}", "/{model}")
    return path.format(model=quote(name, safe="/-._~@"))


def chat_body(request: ChatRequest, *, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a chat. `settings` are the provider's options; `extra` is laid over last and as it is, but that
    `generationConfig` is laid over field by field. Raises `LLMProviderInvalidRequestError`.
    """
    needs_signatures = bool(_THINKS_IN_LEVELS.match(request.model))
    body: dict[str, Any] = {"contents": read_contents(request.messages, needs_signatures=needs_signatures)}
    if system := read_system(request.messages):
        body["systemInstruction"] = system
    if request.tools:
        body["tools"] = _tools(request)
        if calling := _tool_config(request.tool_choice):
            body["toolConfig"] = {"functionCallingConfig": calling}
    if settings.get("safety_settings"):
        body["safetySettings"] = settings["safety_settings"]
    extra = dict(request.extra)
    config = {**_generation_config(request, settings), **as_mapping(extra.pop("generationConfig", None))}
    if config:
        body["generationConfig"] = config
    return body | extra


def _generation_config(request: ChatRequest, settings: Mapping[str, Any]) -> dict[str, Any]:
    config = {theirs: value for ours, theirs in _CONFIG_FIELDS.items() if (value := getattr(request, ours)) is not None}
    if request.stop is not None:
        config["stopSequences"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    wanted = as_mapping(request.response_format)
    if wanted.get("type") in ("json_object", "json_schema"):
        config["responseMimeType"] = "application/json"
        if schema := as_mapping(wanted.get("json_schema")).get("schema"):
            config["responseJsonSchema"] = schema
    if thinking := _thinking_config(request, settings):
        config["thinkingConfig"] = thinking
    return config


def _thinking_config(request: ChatRequest, settings: Mapping[str, Any]) -> dict[str, Any]:
    """`reasoning_effort` as a level, or as a budget of tokens where the model wants one; none for other models."""
    effort = request.reasoning_effort or ""
    is_pro = "-pro" in request.model
    config: dict[str, Any] = {}
    if _THINKS_IN_LEVELS.match(request.model) and effort in _LEVELS:
        level = _LEVELS[effort]
        is_too_low = level == "minimal" and _THINKS_AT_LEAST_LOW.match(request.model)
        config["thinkingLevel"] = "low" if is_too_low else level
    elif _THINKS_IN_TOKENS.match(request.model) and effort in _BUDGETS:
        config["thinkingBudget"] = max(_BUDGETS[effort], _SMALLEST_BUDGET_OF_PRO if is_pro else 0)
    if settings.get("include_thoughts") or (config and effort != "none"):
        config["includeThoughts"] = True
    return config


# Tools


def _tools(request: ChatRequest) -> list[dict[str, Any]]:
    """Our functions in one entry; Gemini's own tools (`google_search`) go through as they are."""
    functions = [_function(tool) for tool in request.tools or () if tool.get("type") == "function"]
    own = [dict(tool) for tool in request.tools or () if tool.get("type") != "function"]
    return ([{"functionDeclarations": functions}] if functions else []) + own


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = as_mapping(tool.get("function"))
    ready: dict[str, Any] = {"name": as_text(function.get("name"))}
    if function.get("description"):
        ready["description"] = function["description"]
    if schema := function.get("parameters"):
        ready["parameters" if is_openapi(schema) else "parametersJsonSchema"] = schema
    return ready


def is_openapi(schema: Any) -> bool:
    """Whether a schema keeps to the part of OpenAPI that `parameters` takes; any other goes as JSON Schema."""
    if not isinstance(schema, dict) or not schema.keys() <= _OPENAPI_KEYS:
        return False
    if not isinstance(schema.get("type", ""), str) or schema.get("format", "enum") not in _OPENAPI_FORMATS:
        return False
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        return False
    inner = [*as_mapping(schema.get("properties")).values(), *schema.get("anyOf", ())]
    return all(map(is_openapi, [*inner, schema["items"]] if "items" in schema else inner))


def _tool_config(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, str):
        return {"mode": _MODES.get(choice, "AUTO")}
    name = as_text(as_mapping(as_mapping(choice).get("function")).get("name"))
    return {"mode": "ANY", "allowedFunctionNames": [name]} if name else None


# Embeddings


def embedding_body(request: EmbeddingRequest) -> dict[str, Any]:
    """One request for each text. `extra` (`taskType`, `title`) goes into every one."""
    texts = [request.input] if isinstance(request.input, str) else request.input
    shared: dict[str, Any] = {"model": f"models/{request.model.removeprefix('models/')}"}
    if request.dimensions is not None:
        shared["outputDimensionality"] = request.dimensions
    return {"requests": [shared | {"content": {"parts": [{"text": text}]}} | request.extra for text in texts]}
