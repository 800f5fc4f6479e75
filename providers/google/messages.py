"""Our messages to Gemini's contents. Pure.

Source: https://ai.google.dev/api/caching#Content and https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from providers import jsontext
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import Message

MADE_UP_ID = "call_"
"""How the ids begin that Gemini has not given itself; they are not sent back."""
NO_SIGNATURE = "skip_thought_signature_validator"
"""Stands for a signature that was lost on the way; Gemini 3 refuses a call without any."""

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,(?P<data>.*)", re.DOTALL)


def read_system(messages: Iterable[Message]) -> dict[str, Any] | None:
    """All system and developer messages as one instruction, a part for each piece of text."""
    parts = [
        part
        for message in messages
        if message.get("role") in ("system", "developer")
        for part in read_parts(message.get("content"))
    ]
    return {"parts": parts} if parts else None


def read_contents(messages: Iterable[Message], *, needs_signatures: bool) -> list[dict[str, Any]]:
    """The turns. The results of parallel calls become one turn, since Gemini counts them against the calls."""
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    was_result = False
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        is_result = role in ("tool", "function")
        if is_result:
            parts = [_function_response(message, names)]
        elif role == "assistant":
            parts = read_parts(message.get("content")) + _function_calls(
                message, names, needs_signatures=needs_signatures
            )
        else:
            parts = read_parts(message.get("content"))
        if is_result and was_result:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})
        was_result = is_result
    return contents


def read_parts(content: Any) -> list[dict[str, Any]]:
    """Text or parts as Gemini's parts; those of its own go through as they are, empty text is left out."""
    given = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content)
    parts = (_read_part(part) for part in given if isinstance(part, dict))
    return [part for part in parts if part.get("text") != ""]


def _read_part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind is None:
        return dict(part)
    if kind in ("text", "refusal"):
        return {"text": as_text(part.get(kind))}
    if kind in ("image_url", "video_url"):
        return _media(as_text(as_mapping(part.get(kind)).get("url")) or as_text(part.get(kind)))
    if kind == "input_audio":
        audio = as_mapping(part.get("input_audio"))
        return _inline(f"audio/{as_text(audio.get('format')) or 'wav'}", as_text(audio.get("data")))
    if kind == "file":
        return _file(as_mapping(part.get("file")))
    raise LLMProviderInvalidRequestError(
        f"A message holds a part of type {kind!r}, which Gemini has no counterpart for. Leave it out.",
        code="unsupported_content",
    )


def _media(url: str, *, filename: str = "") -> dict[str, Any]:
    """A picture, sound, film or document: its data, or where it lies."""
    if found := _DATA_URL.fullmatch(url):
        return _inline(found["type"], found["data"])
    media_type = mimetypes.guess_type(filename or urlsplit(url).path)[0]
    return {"fileData": {"fileUri": url} | ({"mimeType": media_type} if media_type else {})}


def _inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file by its id at Google (its URI), its address or its contents."""
    data, filename = as_text(file.get("file_data")), as_text(file.get("filename"))
    if file_id := as_text(file.get("file_id")):
        return _media(file_id, filename=filename)
    if data.startswith(("data:", "https://", "http://", "gs://")):
        return _media(data, filename=filename)
    return _inline(mimetypes.guess_type(filename)[0] or "application/pdf", data)


# Tool calls and their results


def _function_calls(message: Message, names: dict[str, str], *, needs_signatures: bool) -> list[dict[str, Any]]:
    """Earlier calls with the signatures that came with them. Their names are kept in `names` for their results."""
    parts = []
    for call in map(as_mapping, as_list(message.get("tool_calls"))):
        function = as_mapping(call.get("function"))
        name, call_id = as_text(function.get("name")), as_text(call.get("id"))
        names[call_id] = name
        part: dict[str, Any] = {
            "functionCall": {"name": name, "args": _arguments(function.get("arguments"), name=name)} | _own_id(call_id)
        }
        if signature := _signature_of(call):
            part["thoughtSignature"] = signature
        parts.append(part)
    if parts and needs_signatures and not any("thoughtSignature" in part for part in parts):
        parts[0]["thoughtSignature"] = NO_SIGNATURE
    return parts


def _signature_of(call: Mapping[str, Any]) -> str:
    google = as_mapping(as_mapping(call.get("extra_content")).get("google"))
    return as_text(google.get("thought_signature"))


def _own_id(call_id: str) -> dict[str, str]:
    return {} if not call_id or call_id.startswith(MADE_UP_ID) else {"id": call_id}


def _arguments(arguments: Any, *, name: str) -> dict[str, Any]:
    if isinstance(arguments, str):
        try:
            arguments = jsontext.parse(arguments) if arguments.strip() else {}
        except ValueError:
            arguments = None
    if not isinstance(arguments, dict):
        raise LLMProviderInvalidRequestError(
            f"The arguments of the earlier tool call {name!r} are no JSON object, which Gemini wants.",
            code="invalid_tool_call",
        )
    return arguments


def _function_response(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    """One result. Gemini knows calls by their function's name, so that is looked up where the message lacks it."""
    call_id = as_text(message.get("tool_call_id"))
    parts = read_parts(message.get("content"))
    text = "".join(as_text(part.get("text")) for part in parts)
    response: dict[str, Any] = {
        "name": names.get(call_id) or as_text(message.get("name")) or call_id,
        "response": {"error": text} if message.get("is_error") else _result(text),
    }
    if media := [part for part in parts if "text" not in part]:
        response["parts"] = media
    return {"functionResponse": response | _own_id(call_id)}


def _result(text: str) -> dict[str, Any]:
    """Gemini wants an object: the result itself if it is one, else under `output`."""
    try:
        found = jsontext.parse(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"output": text}
