"""Our messages to Anthropic's turns and blocks. Pure.

Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from providers import jsontext
from providers.anthropic.thinking import thoughts_before
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError
from providers.types import Message

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,(?P<data>.*)", re.DOTALL)
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def read_system(messages: Iterable[Message]) -> str | list[dict[str, Any]]:
    """All system and developer messages: text, or blocks where one carries more than text (`cache_control`)."""
    blocks: list[dict[str, Any]] = []
    for message in messages:
        if message.get("role") in ("system", "developer"):
            blocks += _marked(read_content(message.get("content")), message)
    if all(block.keys() == {"type", "text"} for block in blocks):
        return "\n\n".join(as_text(block["text"]) for block in blocks)
    return blocks


def read_messages(messages: Iterable[Message], *, model: str) -> list[dict[str, Any]]:
    """The turns. Neighbours of one role become one turn, so the results of parallel tool calls stand together.

    Results go first in their turn, and the last words of an assistant lose the spaces at their end: Anthropic refuses
    both otherwise.
    """
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        if role in ("tool", "function"):
            _add_turn(turns, "user", [_tool_result(message)])
        elif role == "assistant":
            _add_turn(turns, "assistant", _assistant_blocks(message, model=model))
        else:
            _add_turn(turns, "user", _marked(read_content(message.get("content")), message))
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: block.get("type") != "tool_result")
    if turns and turns[-1]["role"] == "assistant" and (last := turns[-1]["content"][-1]).get("type") == "text":
        last["text"] = as_text(last["text"]).rstrip()
    return turns


def _add_turn(turns: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _marked(blocks: list[dict[str, Any]], message: Message) -> list[dict[str, Any]]:
    """The blocks, with the message's own `cache_control` on the last of them."""
    if blocks and message.get("cache_control") and "cache_control" not in blocks[-1]:
        blocks[-1]["cache_control"] = message["cache_control"]
    return blocks


def _assistant_blocks(message: Message, *, model: str) -> list[dict[str, Any]]:
    """Thinking first, as Anthropic wants it, then text, then tool calls, each after the thinking that led to it."""
    calls = [as_mapping(call) for call in as_list(message.get("tool_calls"))]
    thoughts = [thoughts_before(call, model=model) for call in calls]
    given = [dict(block) for block in as_list(message.get("thinking_blocks")) if isinstance(block, dict)]
    blocks = given or (thoughts[0] if thoughts else [])
    blocks = blocks + read_content(message.get("content"))
    if refusal := as_text(message.get("refusal")).strip():
        blocks.append({"type": "text", "text": refusal})
    for place, call in enumerate(calls):
        if place and not given:
            blocks += thoughts[place]
        blocks.append(_earlier_call(call))
    return _marked(blocks, message)


def _earlier_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = as_mapping(call.get("function"))
    name = as_text(function.get("name"))
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": _call_id(call.get("id")),
        "name": name,
        "input": _read_arguments(function.get("arguments"), name=name),
    }
    if call.get("cache_control"):
        block["cache_control"] = call["cache_control"]
    return block


def _call_id(value: Any) -> str:
    """An id as Anthropic takes it; those of other vendors may hold dots and colons."""
    return _NOT_IN_IDS.sub("_", as_text(value))


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
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _call_id(message.get("tool_call_id"))}
    result["content"] = content if isinstance(content, str) else read_content(content)
    for name in ("is_error", "cache_control"):
        if name in message:
            result[name] = message[name]
    return result


def read_content(content: Any) -> list[dict[str, Any]]:
    """Text or parts as blocks. Blank text is left out, since Anthropic refuses it; its own blocks go through as they are."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content)
    blocks = (_read_part(part) for part in parts if isinstance(part, dict))
    return [block for block in blocks if block.get("type") != "text" or as_text(block.get("text")).strip()]


def _read_part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "image_url":
        block = {"type": "image", "source": _image_source(part.get("image_url"))}
    elif kind == "file":
        block = _file(as_mapping(part.get("file")))
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


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file by its id, its address or its contents. Pictures are a block of their own, plain text a source of its own."""
    data = as_text(file.get("file_data"))
    source: dict[str, Any]
    if file_id := as_text(file.get("file_id")):
        source = {"type": "file", "file_id": file_id}
    elif data.startswith(("http://", "https://")):
        source = {"type": "url", "url": data}
    else:
        source = _base64_source(data) or {"type": "base64", "media_type": "application/pdf", "data": data}
    media_type = as_text(source.get("media_type"))
    if media_type.startswith("image/"):
        return {"type": "image", "source": source}
    if media_type.startswith("text/") and (text := _decoded(source["data"])) is not None:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    block: dict[str, Any] = {"type": "document", "source": source}
    if filename := as_text(file.get("filename")):
        block["title"] = filename
    return block


def _base64_source(url: str) -> dict[str, Any] | None:
    found = _DATA_URL.fullmatch(url)
    return {"type": "base64", "media_type": found["type"], "data": found["data"]} if found else None


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
