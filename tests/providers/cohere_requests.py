"""Cohere's chat bodies written as OpenAI's, for the recordings; and both forms made comparable."""

from __future__ import annotations

from typing import Any

_FIELDS = {"p": "top_p", "stop_sequences": "stop"}
_CHOICES = {"REQUIRED": "required", "NONE": "none"}


def to_openai(body: dict[str, Any]) -> dict[str, Any]:
    """What a caller who knows OpenAI's form would write. Fields without a counterpart go along as they are."""
    ready = {_FIELDS.get(name, name): value for name, value in body.items()}
    if choice := body.get("tool_choice"):
        ready["tool_choice"] = _CHOICES[choice]
    if schema := (body.get("response_format") or {}).get("json_schema"):
        ready["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return ready


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "stream"}
