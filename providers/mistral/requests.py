"""Our chats as Mistral takes them: fields, ids and parts that OpenAI knows and Mistral doesn't are rewritten or left out.

Source: https://docs.mistral.ai/api/#tag/chat
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.base.reading import as_arguments, as_list, as_mapping, as_text
from providers.types import ChatRequest, Message

_FIELDS = {
    "system": ("role", "content"),
    "user": ("role", "content"),
    "assistant": ("role", "content", "tool_calls", "prefix"),
    "tool": ("role", "content", "tool_call_id", "name"),
}
_ROLES = {"developer": "system", "function": "tool"}
_ID_CHARS = string.ascii_letters + string.digits
_ID_LENGTH = 9
_ID = re.compile(rf"[A-Za-z0-9]{{{_ID_LENGTH}}}")
_FUNCTION_FIELDS = ("name", "description", "parameters", "strict")


def fit(request: ChatRequest) -> ChatRequest:
    """A copy of the chat without anything that Mistral would answer with 422 for."""
    return replace(
        request,
        messages=[read_message(message) for message in request.messages],
        tools=[_tool(tool) for tool in request.tools] if request.tools else None,
        tool_choice=_tool_choice(request),
        logprobs=request.logprobs or None,
        parallel_tool_calls=request.parallel_tool_calls if request.tools else None,
        reasoning_effort=_effort(request),
    )


def read_message(message: Message) -> dict[str, Any]:
    role = as_text(message.get("role")) or "user"
    role = _ROLES.get(role, role)
    ready = {name: message[name] for name in _FIELDS.get(role, message) if message.get(name) is not None}
    ready["role"] = role
    if isinstance(ready.get("content"), list):
        ready["content"] = [_part(part) for part in ready["content"]]
    elif role != "assistant":
        ready.setdefault("content", "")
    if role == "tool":
        ready["tool_call_id"] = call_id(message.get("tool_call_id"))
    elif calls := as_list(ready.pop("tool_calls", None)):
        ready["tool_calls"] = [_earlier_call(as_mapping(call)) for call in calls]
    return ready


def call_id(given: Any) -> str:
    """An id of nine letters and digits, which is all that Mistral takes; the same one for the same other id."""
    text = as_text(given)
    if _ID.fullmatch(text):
        return text
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
    return "".join(_ID_CHARS[number // len(_ID_CHARS) ** place % len(_ID_CHARS)] for place in range(_ID_LENGTH))


def _earlier_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = as_mapping(call.get("function"))
    ready: dict[str, Any] = {
        "id": call_id(call.get("id")),
        "type": "function",
        "function": {
            "name": as_text(function.get("name")),
            "arguments": as_arguments(function.get("arguments")) or "{}",
        },
    }
    return ready | {"index": call["index"]} if isinstance(call.get("index"), int) else ready


def _part(part: Any) -> Any:
    """One part; Mistral's own (`thinking`, `document_url`, `reference`) go through as they are."""
    given = as_mapping(part)
    kind = given.get("type")
    if kind in ("text", "refusal"):
        return {"type": "text", "text": as_text(given.get(kind))}
    if kind == "image_url":
        return {"type": "image_url", "image_url": given.get("image_url")}
    if kind == "input_audio" and isinstance(given.get("input_audio"), dict):
        return {"type": "input_audio", "input_audio": as_text(given["input_audio"].get("data"))}
    if kind == "file" and isinstance(given.get("file"), dict):
        return _file(given["file"])
    return part


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file by its id at Mistral, its address or its contents."""
    if file_id := as_text(file.get("file_id")):
        return {"type": "file", "file_id": file_id}
    data = as_text(file.get("file_data"))
    if not data.startswith(("data:", "http://", "https://")):
        data = f"data:application/pdf;base64,{data}"
    part = {"type": "document_url", "document_url": data}
    if filename := as_text(file.get("filename")):
        part["document_name"] = filename
    return part


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One function; Mistral wants parameters, also none. Its own tools go through as they are."""
    if tool.get("type") != "function":
        return dict(tool)
    function = as_mapping(tool.get("function"))
    ready = {name: function[name] for name in _FUNCTION_FIELDS if function.get(name) is not None}
    ready.setdefault("parameters", {"type": "object", "properties": {}})
    return {"type": "function", "function": ready}


def _tool_choice(request: ChatRequest) -> Any:
    if not request.tools:
        return None
    return "any" if request.tool_choice == "required" else request.tool_choice


def _effort(request: ChatRequest) -> str | None:
    """What the model takes: Large knows degrees, the others only whether to think at all."""
    effort = request.reasoning_effort
    if effort is None or effort == "none":
        return effort
    if effort == "minimal":
        return "none"
    return effort if effort in ("low", "medium") and request.model.startswith("mistral-large") else "high"
