"""Parse: from a body's bytes to a request, with a 400 that names the parameter where something can't be.

Fields that OpenAI's API has are checked by type; names that we don't know are the vendor's business and go through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from llmadmin.gateway.errors import invalid
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest

MAX_MODEL_CHARS = 400

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "number": ((int, float), "a number"),
    "integer": ((int,), "a whole number"),
    "flag": ((bool,), "true or false"),
    "text": ((str,), "a text"),
    "texts": ((str, list), "a text or a list of texts"),
    "object": ((dict,), "an object"),
    "list": ((list,), "a list"),
    "choice": ((str, dict), "a text or an object"),
}
_COMMON = {
    "temperature": "number",
    "top_p": "number",
    "max_tokens": "integer",
    "stop": "texts",
    "seed": "integer",
    "user": "text",
    "n": "integer",
    "stream": "flag",
    "stream_options": "object",
    "presence_penalty": "number",
    "frequency_penalty": "number",
    "logit_bias": "object",
}
_CHAT = {
    **_COMMON,
    "max_completion_tokens": "integer",
    "logprobs": "flag",
    "top_logprobs": "integer",
    "tools": "list",
    "tool_choice": "choice",
    "parallel_tool_calls": "flag",
    "response_format": "object",
    "reasoning_effort": "text",
}
_AT_LEAST_ONE = ("max_tokens", "max_completion_tokens", "n")


def parse_json(body: bytes) -> dict[str, Any]:
    """The body's object. Raises a 400."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.", code="invalid_json")
    return value


def read_chat(body: Mapping[str, Any]) -> ChatRequest:
    """A Chat Completions body. Raises a 400 naming the parameter."""
    known = _checked(body, _CHAT)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("'messages' must be a list with at least one message.", param="messages")
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]")
    for index, tool in enumerate(body.get("tools") or ()):
        if not isinstance(tool, dict):
            raise invalid(f"'tools[{index}]' must be an object.", param=f"tools[{index}]")
    return ChatRequest.from_openai(known)


def read_completion(body: Mapping[str, Any]) -> CompletionRequest:
    """A text completion's body. Raises a 400 naming the parameter."""
    known = _checked(body, _COMMON)
    if known.get("stream"):
        raise invalid(
            "Streams of text completions are not offered; use chat/completions, or leave 'stream' out.", param="stream"
        )
    prompt = body.get("prompt")
    is_texts = isinstance(prompt, list) and prompt and all(isinstance(part, str) for part in prompt)
    if not is_texts and not (isinstance(prompt, str) and prompt):
        raise invalid("'prompt' must be a text or a list of texts.", param="prompt")
    known.pop("stream", None)
    known.pop("stream_options", None)
    return CompletionRequest(**_split(known, CompletionRequest))


def read_embedding(body: Mapping[str, Any]) -> EmbeddingRequest:
    """An embedding's body. Raises a 400 naming the parameter."""
    known = _checked(body, {"user": "text", "dimensions": "integer", "encoding_format": "text"})
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise invalid("'input' must be a text or a list of texts; lists of token numbers are not taken.", param="input")
    if known.pop("encoding_format", "float") not in ("float", "base64"):
        raise invalid("'encoding_format' must be float or base64.", param="encoding_format")
    return EmbeddingRequest(**_split({**known, "input": texts}, EmbeddingRequest))


def wants_stream(body: Mapping[str, Any]) -> bool:
    return bool(body.get("stream"))


def wants_usage(body: Mapping[str, Any]) -> bool:
    """Whether a stream's caller asked to be shown usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))


def _checked(body: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The body without its nulls, every field of a known name of the right kind."""
    model = body.get("model")
    if not isinstance(model, str) or not model or len(model) > MAX_MODEL_CHARS:
        raise invalid("'model' must name an alias, agent:NAME or provider/model.", param="model")
    known = {name: value for name, value in body.items() if value is not None}
    for name in known.keys() & kinds.keys():
        _check_kind(name, known[name], kinds[name])
    return known


def _check_kind(name: str, value: Any, kind: str) -> None:
    types, words = _KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "flag"):
        raise invalid(f"'{name}' must be {words}.", param=name)
    if name in _AT_LEAST_ONE and isinstance(value, int) and value < 1:
        raise invalid(f"'{name}' must be at least 1.", param=name)
    if kind == "texts" and isinstance(value, list) and not all(isinstance(part, str) for part in value):
        raise invalid(f"'{name}' must be {words}.", param=name)


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise invalid(f"'{where}' must be an object with a role and a content.", param=where)
    if not isinstance(message.get("role"), str):
        raise invalid(f"'{where}.role' must be system, developer, user, assistant or tool.", param=f"{where}.role")
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise invalid(f"'{where}.content' must be a text or a list of parts.", param=f"{where}.content")


def _split(known: dict[str, Any], kind: type[CompletionRequest] | type[EmbeddingRequest]) -> dict[str, Any]:
    """The arguments of `kind`; what it has no field for goes to `extra`."""
    names = kind.__dataclass_fields__.keys() - {"extra", "headers"}
    fields = {name: value for name, value in known.items() if name in names}
    return {**fields, "extra": {name: value for name, value in known.items() if name not in names}}
