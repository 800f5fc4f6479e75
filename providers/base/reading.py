"""Careful readers of parsed JSON: a vendor's surprise becomes an empty value, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from providers import jsontext

MAX_COUNT = 1_000_000_000
"""No call has that many tokens; a vendor's slip beyond it must not break sums over many calls."""

_NOTHING: Mapping[str, Any] = {}


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Text, or a number as text (ids that are integers); anything else is empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_count(value: Any) -> int:
    """A number of tokens: never negative, at most `MAX_COUNT`, and 0 for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0
    return min(max(0, int(value)), MAX_COUNT)


def as_arguments(value: Any) -> str:
    """Tool arguments as JSON text; vendors send text, objects or nothing. What nests too deeply to be written is nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return jsontext.write_text(value)
    except (TypeError, ValueError):
        return ""
