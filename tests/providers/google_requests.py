"""Gemini's bodies written as OpenAI's, for the recordings; and both forms made comparable.

The recorded clients spell the same field in two ways (`inlineData`, `inline_data`) and types in two cases.
"""

from __future__ import annotations

import json
import re
from typing import Any

_CONFIG = {
    "temperature": "temperature",
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "candidateCount": "n",
    "seed": "seed",
}
_FREE_FORM = ("args", "response", "responseJsonSchema", "parameters", "parametersJsonSchema")
_CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def to_openai(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a caller who knows OpenAI's form would write. Fields without a counterpart go along as they are."""
    body = camel(body)
    ready: dict[str, Any] = {"model": model, "messages": []}
    if system := body.get("systemInstruction"):
        ready["messages"].append({"role": "system", "content": [_part(part) for part in system["parts"]]})
    calls: list[str] = []
    for content in body["contents"]:
        ready["messages"] += _messages(content, calls)
    functions = [function for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())]
    if functions:
        ready["tools"] = [{"type": "function", "function": _function(function)} for function in functions]
    if config := body.get("toolConfig"):
        ready["tool_choice"] = _CHOICES[config["functionCallingConfig"]["mode"]]
    config = dict(body.get("generationConfig", {}))
    if config.pop("responseMimeType", "") == "application/json":
        schema = {"name": "answer", "schema": config.pop("responseJsonSchema")}
        ready["response_format"] = {"type": "json_schema", "json_schema": schema}
    ready |= {_CONFIG[name]: config.pop(name) for name in list(config) if name in _CONFIG}
    if config:
        ready["generationConfig"] = config
    if "safetySettings" in body:
        ready["safetySettings"] = body["safetySettings"]
    return ready


def _messages(content: dict[str, Any], calls: list[str]) -> list[dict[str, Any]]:
    """The messages of one turn. `calls` are the names of the calls so far; a call's id is its place among them."""
    parts = content["parts"]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if results:
        first = len(calls) - len(results)
        return [
            {"role": "tool", "tool_call_id": f"call_{first + at}", "content": json.dumps(result["response"])}
            for at, result in enumerate(results)
        ]
    message: dict[str, Any] = {"role": "assistant" if content.get("role") == "model" else "user"}
    message["content"] = [_part(part) for part in parts if "functionCall" not in part]
    for part in parts:
        if call := part.get("functionCall"):
            message.setdefault("tool_calls", []).append(_tool_call(call, part, len(calls)))
            calls.append(call["name"])
    return [message]


def _tool_call(call: dict[str, Any], part: dict[str, Any], at: int) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": json.dumps(call["args"])}
    ready: dict[str, Any] = {"id": f"call_{at}", "type": "function", "function": function}
    if signature := part.get("thoughtSignature"):
        ready["extra_content"] = {"google": {"thought_signature": signature}}
    return ready


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    data = part["inlineData"]
    url = f"data:{data['mimeType']};base64,{data['data']}"
    if data["mimeType"].startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"file_data": url}}


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """One spelling for what Gemini takes in several; empty settings and the role of the system's text left out."""
    ready = camel(body)
    if not ready.get("generationConfig"):
        ready.pop("generationConfig", None)
    if "systemInstruction" in ready:
        ready["systemInstruction"] = {"parts": ready["systemInstruction"]["parts"]}
    for tool in ready.get("tools", ()):
        tool["functionDeclarations"] = [_function(function) for function in tool.get("functionDeclarations", ())]
    return ready


def _function(function: dict[str, Any]) -> dict[str, Any]:
    """A function with its parameters in the one place and case that OpenAI has."""
    ready = dict(function)
    schema = json.dumps(ready.pop("parametersJsonSchema", None) or ready.get("parameters", {}))
    ready["parameters"] = json.loads(re.sub(r'"type": "[A-Z]+"', lambda found: found[0].lower(), schema))
    return ready


def camel(value: Any) -> Any:
    """A copy with its field names in camel case; what callers name themselves is left alone."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in _FREE_FORM else camel(inner) for name, inner in named.items()}
