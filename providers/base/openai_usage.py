"""Token meters from the `usage` objects of OpenAI's dialect and of those who fill them differently. Pure.

OpenAI counts cached input in `prompt_tokens` and reasoning in `completion_tokens`. Some servers that pass other vendors'
answers on leave one or both outside. A part that is larger than its whole, or that only `total_tokens` accounts for,
stands outside.
Source: https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from providers.base.reading import as_count, as_list, as_mapping
from providers.types import Usage

_NO_DETAILS: Mapping[str, Any] = {}


def usage_in(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `usage` object of a body or chunk: at its top, in its choice, or under a vendor's own key (`x_groq`)."""
    if found := as_mapping(payload.get("usage")):
        return found
    for choice in as_list(payload.get("choices")):
        if found := as_mapping(as_mapping(choice).get("usage")):
            return found
    for name, value in payload.items():
        if name.startswith("x_") and (found := as_mapping(as_mapping(value).get("usage"))):
            return found
    return _NO_DETAILS


def usage_of(data: Mapping[str, Any]) -> Usage | None:
    """Disjoint meters; None where nothing was reported."""
    if not data:
        return None
    prompt = as_count(data.get("prompt_tokens"))
    completion = as_count(data.get("completion_tokens"))
    details = as_mapping(data.get("prompt_tokens_details"))
    cached = (
        as_count(details.get("cached_tokens"))
        or as_count(data.get("cache_read_input_tokens"))
        or as_count(data.get("prompt_cache_hit_tokens"))
    )
    written = as_count(details.get("cache_write_tokens")) or as_count(data.get("cache_creation_input_tokens"))
    reasoning = as_count(as_mapping(data.get("completion_tokens_details")).get("reasoning_tokens"))
    cache = cached + written
    if cache or reasoning:
        beyond = as_count(data.get("total_tokens")) - prompt - completion
        is_cache_apart = cache > prompt or (cache > 0 and beyond in (cache, cache + reasoning))
        is_reasoning_apart = reasoning > completion or (reasoning > 0 and beyond in (reasoning, cache + reasoning))
        prompt += cache if is_cache_apart else 0
        completion += reasoning if is_reasoning_apart else 0
    return Usage(
        input_tokens=prompt - cached - written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=completion - reasoning,
        reasoning_tokens=reasoning,
    )


def cost_of(usage: Mapping[str, Any]) -> str | None:
    """What the vendor says the call cost, in USD without an exponent (OpenRouter's `usage.cost`), or None."""
    cost = usage.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not math.isfinite(cost) or cost < 0:
        return None
    text = f"{cost:.12f}".rstrip("0").rstrip(".")
    return text or "0"
