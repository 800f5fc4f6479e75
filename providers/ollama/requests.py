"""Our requests to Ollama's. Pure.

Source: https://docs.ollama.com/api
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from providers import jsontext
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest, Message

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "num_predict",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
}
_ROLES = {"developer": "system", "function": "tool"}
_DATA_URL = re.compile(r"data:[^,]*;base64,", re.ASCII)
_SECONDS = re.compile(r"-?\d+")
_THINKS_IN_LEVELS = re.compile(r"(?:^|/)gpt-oss")
"""Models that take a level; the others refuse one, and are told to think or not to."""
_LEVELS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}


def chat_body(request: ChatRequest, *, settings: Mapping[str, Any], is_stream: bool = False) -> dict[str, Any]:
    """The body of a chat. `settings` are the provider's options; `extra` is laid over last and as it is, but that
    `options` are laid over one by one. Raises `LLMProviderInvalidRequestError`.
    """
    if (request.n or 1) > 1:
        raise LLMProviderInvalidRequestError(
            "Ollama does not take the parameter n. Leave it out, or use a model of another provider.",
            model=request.model,
            code="unsupported_parameter",
        )
    body: dict[str, Any] = {
        "model": request.model,
        "messages": read_messages(request.messages),
        "stream": is_stream,
    }
    if tools := _tools(request):
        body["tools"] = tools
    if (wanted := _format(request)) is not None:
        body["format"] = wanted
    if request.reasoning_effort is not None:
        body["think"] = _think(request.reasoning_effort, model=request.model)
    if request.logprobs:
        body["logprobs"] = True
        if request.top_logprobs is not None:
            body["top_logprobs"] = request.top_logprobs
    return _finished(body, request, settings)


def completion_body(
    request: CompletionRequest, *, settings: Mapping[str, Any], is_stream: bool = False
) -> dict[str, Any]:
    """The body of a text completion. Ollama lays the model's template around the prompt unless `extra` says `raw`."""
    prompts = [request.prompt] if isinstance(request.prompt, str) else list(request.prompt)
    if len(prompts) != 1:
        raise LLMProviderInvalidRequestError(
            "Ollama completes one prompt in a call. Send each of them in a call of its own.",
            model=request.model,
            code="unsupported_parameter",
        )
    return _finished({"model": request.model, "prompt": prompts[0], "stream": is_stream}, request, settings)


def _finished(
    body: dict[str, Any], request: ChatRequest | CompletionRequest, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """`body` with what every call carries: sampling as `options`, how long the model stays loaded, and `extra`."""
    known = ((theirs, getattr(request, ours, None)) for ours, theirs in _OPTIONS.items())
    options = {theirs: value for theirs, value in known if value is not None}
    if request.stop is not None:
        options["stop"] = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    if settings.get("num_ctx"):
        options["num_ctx"] = int(settings["num_ctx"])
    if settings.get("keep_alive") not in (None, ""):
        body["keep_alive"] = _duration(settings["keep_alive"])
    extra = dict(request.extra)
    options |= as_mapping(extra.pop("options", None))
    if options:
        body["options"] = options
    return body | extra


def _duration(value: Any) -> Any:
    """A number of seconds must be one: as text Ollama takes it only with a unit."""
    return int(value) if isinstance(value, str) and _SECONDS.fullmatch(value.strip()) else value


def _think(effort: str, *, model: str) -> bool | str:
    if _THINKS_IN_LEVELS.search(model):
        return _LEVELS.get(effort, "high")
    return effort not in ("none", "minimal")


def _format(request: ChatRequest) -> Any:
    wanted = as_mapping(request.response_format)
    if wanted.get("type") == "json_object":
        return "json"
    if wanted.get("type") == "json_schema":
        return as_mapping(wanted.get("json_schema")).get("schema") or "json"
    return None


def _tools(request: ChatRequest) -> list[Mapping[str, Any]]:
    """Ollama can't be told which tool to call, or none: it is offered the one that is named, or no tool."""
    tools = list(request.tools or ())
    if request.tool_choice == "none":
        return []
    name = as_text(as_mapping(as_mapping(request.tool_choice).get("function")).get("name"))
    return [tool for tool in tools if name and as_mapping(tool.get("function")).get("name") == name] or tools


# Messages


def read_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The messages. Ollama knows a result by its tool's name, so that is looked up where the message lacks it."""
    names: dict[str, str] = {}
    ready = []
    for message in messages:
        for call in map(as_mapping, as_list(message.get("tool_calls"))):
            names[as_text(call.get("id"))] = as_text(as_mapping(call.get("function")).get("name"))
        ready.append(_read_message(message, names))
    return ready


def _read_message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    """One message: text apart from pictures, which Ollama takes as bare base64; tool arguments as objects."""
    role = as_text(message.get("role")) or "user"
    ready: dict[str, Any] = {"role": _ROLES.get(role, role)}
    content = message.get("content")
    images = list(as_list(message.get("images")))
    if isinstance(content, list):
        parts = [as_mapping(part) for part in content]
        texts = (
            as_text(part.get(as_text(part.get("type")))) for part in parts if part.get("type") in ("text", "refusal")
        )
        ready["content"] = "\n".join(texts)
        images += [_image(part) for part in parts if part.get("type") == "image_url"]
    else:
        ready["content"] = as_text(content) or as_text(message.get("refusal"))
    if images:
        ready["images"] = images
    if thinking := as_text(message.get("thinking")) or as_text(message.get("reasoning_content")):
        ready["thinking"] = thinking
    if calls := as_list(message.get("tool_calls")):
        ready["tool_calls"] = [_earlier_call(as_mapping(call)) for call in calls]
    if ready["role"] == "tool" and (name := _tool_name(message, names)):
        ready["tool_name"] = name
    return ready


def _tool_name(message: Message, names: Mapping[str, str]) -> str:
    given = as_text(message.get("tool_name")) or as_text(message.get("name"))
    return given or names.get(as_text(message.get("tool_call_id")), "")


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
    return {"function": {"name": as_text(function.get("name")), "arguments": as_mapping(arguments)}}


# Embeddings


def embedding_body(request: EmbeddingRequest) -> dict[str, Any]:
    texts = [request.input] if isinstance(request.input, str) else list(request.input)
    body: dict[str, Any] = {"model": request.model, "input": texts}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return body | request.extra
