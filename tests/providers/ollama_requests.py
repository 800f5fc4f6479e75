"""Ollama's chat bodies written as OpenAI's, for the recordings; and both forms made comparable."""

from __future__ import annotations

import json
from typing import Any

_FIELD_OF_OPTION = {
    "temperature": "temperature",
    "top_p": "top_p",
    "num_predict": "max_tokens",
    "stop": "stop",
    "seed": "seed",
}


def to_openai(body: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in body.items() if name not in ("messages", "options", "format")}
    fields["messages"] = [_message(message) for message in body["messages"]]
    for name, value in (body.get("options") or {}).items():
        fields[_FIELD_OF_OPTION[name]] = value
    if body.get("format") == "json":
        fields["response_format"] = {"type": "json_object"}
    return {name: value for name, value in fields.items() if value not in (None, [], "")}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    ready = dict(message)
    if calls := message.get("tool_calls"):
        ready["tool_calls"] = [
            {
                "id": f"call_{at}",
                "type": "function",
                "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])},
            }
            for at, call in enumerate(calls)
        ]
    return ready


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "stream" and value not in (None, [], "", {})}
