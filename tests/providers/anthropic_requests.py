"""Anthropic's message bodies written as OpenAI's, for the recordings; and both forms made comparable."""

from __future__ import annotations

import json
from typing import Any

_SAME = ("model", "max_tokens", "temperature", "top_p")


def to_openai(body: dict[str, Any]) -> dict[str, Any]:
    """What a caller who knows OpenAI's form would write. Fields without a counterpart go along as they are."""
    known = {*_SAME, "system", "messages", "stop_sequences", "tools", "tool_choice", "output_format"}
    ready = {name: value for name, value in body.items() if name in _SAME or name not in known}
    ready["messages"] = [message for turn in body["messages"] for message in _messages(turn)]
    if system := body.get("system"):
        ready["messages"].insert(0, {"role": "system", "content": system})
    if stop := body.get("stop_sequences"):
        ready["stop"] = stop
    if tools := body.get("tools"):
        ready["tools"] = [_tool(tool) for tool in tools]
    if choice := body.get("tool_choice"):
        ready["tool_choice"] = _tool_choice(choice)
    if output := body.get("output_format"):
        ready["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": output["schema"]},
        }
    return ready


def _messages(turn: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(turn["content"], str):
        return [turn]
    results = [
        {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block.get("content", "")}
        for block in turn["content"]
        if block["type"] == "tool_result"
    ]
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
        }
        for block in turn["content"]
        if block["type"] == "tool_use"
    ]
    parts = [_part(block) for block in turn["content"] if block["type"] not in ("tool_result", "tool_use")]
    message: dict[str, Any] = {"role": turn["role"], "content": parts}
    if calls:
        message["tool_calls"] = calls
    return results + ([message] if parts or calls else [])


def _part(block: dict[str, Any]) -> dict[str, Any]:
    """Pictures and documents given as data become OpenAI's parts; blocks of Anthropic's own stay."""
    source = block.get("source") or {}
    ready = dict(block)
    if source.get("type") == "base64":
        url = f"data:{source['media_type']};base64,{source['data']}"
        is_image = block["type"] == "image"
        ready = (
            {"type": "image_url", "image_url": {"url": url}}
            if is_image
            else {"type": "file", "file": {"file_data": url}}
        )
    elif source.get("type") == "file" and block["type"] == "document":
        ready = {"type": "file", "file": {"file_id": source["file_id"]}}
    if "cache_control" in block:
        ready["cache_control"] = block["cache_control"]
    return ready


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool:
        return tool
    function = {"name": tool["name"], "parameters": tool["input_schema"]}
    if "description" in tool:
        function["description"] = tool["description"]
    further = {
        name: value for name, value in tool.items() if name not in ("name", "description", "input_schema", "type")
    }
    return {"type": "function", "function": function, **further}


def _tool_choice(choice: dict[str, Any]) -> Any:
    if choice["type"] == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return {"any": "required"}.get(choice["type"], choice["type"])


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """One spelling for what Anthropic takes in several: text as blocks, default values left out."""
    ready = {name: value for name, value in body.items() if name != "stream" and value is not None}
    ready["messages"] = [{"role": turn["role"], "content": _blocks(turn["content"])} for turn in body["messages"]]
    if "system" in ready:
        ready["system"] = _blocks(ready["system"])
    if "tools" in ready:
        ready["tools"] = [{name: value for name, value in tool.items() if value != "custom"} for tool in ready["tools"]]
    return ready


def _blocks(content: Any) -> list[dict[str, Any]]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [_block(block) for block in blocks]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    ready = {name: value for name, value in block.items() if not (name == "is_error" and value is False)}
    if block["type"] == "tool_result":
        ready["content"] = _blocks(block.get("content", ""))
    return ready
