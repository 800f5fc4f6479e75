"""The shortest way from a payload of OpenAI's dialect to a chunk, for the one kind of chunk that nearly all are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.types import ChatChunk


def text_chunk(payload: Mapping[str, Any]) -> ChatChunk | None:
    """The chunk that nearly all are: its one choice adds a piece of text and nothing else. None for every other kind.

    It only saves time: `chat_chunk` reads such a payload just the same.
    """
    choices = payload.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or payload.get("usage") or payload.get("error"):
        return None
    choice, identity, model = choices[0], payload.get("id"), payload.get("model")
    if not isinstance(choice, dict) or not isinstance(identity, str) or not isinstance(model, str):
        return None
    if choice.get("finish_reason") or choice.get("index", 0) not in (0, None) or choice.get("error"):
        return None
    if "type" in payload or payload.get("object") == "error":
        return None
    delta = choice.get("delta")
    if not isinstance(delta, dict) or len(delta) - ("role" in delta) != 1:
        return None
    text = delta.get("content")
    return ChatChunk(text, "", [], None, None, identity, model, payload) if isinstance(text, str) else None
