"""The events of a run as server-sent events whose data is markup for htmx to swap in. All text is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape, format_html

from llmadmin.console.errors.advice import advice_for, title_of
from llmadmin.console.links import link
from llmadmin.playground.runs import Event

_LINE_ENDS = re.compile("\r\n|\r|\n")
CLOSE = "close"


def sent(kind: str, markup: str) -> str:
    """One server-sent event; each line of the data stands on a line of its own, so line ends survive."""
    lines = "".join(f"data: {line}\n" for line in _LINE_ENDS.split(markup))
    return f"event: {kind}\n{lines}\n"


def piece_of(event: Event) -> str:
    """The event as the page takes it: pieces of text are appended, `end` replaces the figures below them."""
    match event.kind:
        case "text" | "reasoning":
            return sent(event.kind, escape(event.data["text"]))
        case "tool_call":
            return sent("tool", _tool_call(event.data))
        case "attempt":
            return sent("attempt", render_to_string("playground/attempt.html", {"attempt": event.data}))
        case "done":
            return sent("end", render_to_string("playground/end.html", _done(event.data)))
        case "error":
            return sent("end", render_to_string("playground/end.html", _failed(event.data)))
    raise ValueError(f"A run has no event {event.kind}.")


def refused(sentence: str) -> str:
    """What a run shows that could not even begin."""
    return sent("end", render_to_string("playground/end.html", _failed({"class": "", "sentence": sentence})))


def _tool_call(piece: Mapping[str, Any]) -> str:
    """A call's name begins a new line; pieces of its arguments follow."""
    arguments = escape(piece.get("arguments") or "")
    if piece.get("name"):
        return format_html('<span class="tool-name">{}</span>{}', piece["name"], arguments)
    return arguments


def _done(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"run": data, "attempts": data["attempts"], "is_done": True, **_figures(data)}


def _failed(data: Mapping[str, Any]) -> dict[str, Any]:
    error_class = str(data.get("class") or "")
    return {
        "run": data,
        "attempts": data.get("attempts") or [],
        "is_done": False,
        "sentence": data["sentence"],
        "class_title": title_of(error_class) if error_class else "Not run",
        "advice": advice_for(error_class) if error_class else None,
        **_figures(data),
    }


def _figures(data: Mapping[str, Any]) -> dict[str, Any]:
    """What stands below an answer. A call that failed before any answer has none of it."""
    if "usage" not in data:
        return {"has_figures": False}
    usage = data["usage"]
    return {
        "has_figures": True,
        "tokens_in": usage["input_tokens"] + usage["cached_input_tokens"] + usage["cache_write_tokens"],
        "tokens_out": usage["output_tokens"] + usage["reasoning_tokens"],
        "reasoning_tokens": usage["reasoning_tokens"],
        "cached_tokens": usage["cached_input_tokens"],
        "record_url": link("requests:detail", data["record_id"]) if data.get("record_id") else "",
    }
