"""Token meters from the `usage` objects of OpenAI's dialect and of those who fill them differently. Pure.

OpenAI counts cached input in `prompt_tokens` and reasoning in `completion_tokens`, so those two are the totals. xAI, and
gateways that pass Anthropic's or Gemini's answers on, leave one or both outside and bill them too. What shows it is the
answer's own arithmetic: a part that is larger than its whole, or that exactly fills the gap to `total_tokens`, stands
outside and is added to the total. Where nothing shows it, OpenAI's reading holds. docs/explanation/reading-answers.md
has the numbers.
Source: https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from providers.base.reading import as_count, as_list, as_mapping
from providers.types import Usage

_NO_DETAILS: Mapping[str, Any] = {}
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "prompt_token_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")
_CACHED = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens", "num_cached_tokens")
"""DeepSeek's name of cached input, Anthropic's behind a gateway, Moonshot's and Together's, Mistral's."""
_WRITTEN = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_TICKS_PER_USD = 10_000_000_000


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
    prompt = _first_count(data, ("prompt_tokens", "input_tokens"))
    completion = _first_count(data, ("completion_tokens", "output_tokens"))
    if "prompt_tokens" not in data and not (prompt or completion):  # embeddings of some servers
        prompt = as_count(data.get("total_tokens"))
    details = _details_in(data, _INPUT_DETAILS)
    cached = as_count(details.get("cached_tokens")) or _first_count(data, _CACHED)
    written = _first_count(details, _WRITTEN) or _first_count(data, _WRITTEN)
    details = _details_in(data, _OUTPUT_DETAILS)
    reasoning = as_count(details.get("reasoning_tokens")) or as_count(data.get("reasoning_tokens"))
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


def _details_in(data: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    return next((found for name in names if (found := as_mapping(data.get(name)))), _NO_DETAILS)


def _first_count(data: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The first of `names` that counts anything."""
    return next((count for name in names if (count := as_count(data.get(name)))), 0)


def cost_of(usage: Mapping[str, Any]) -> str | None:
    """What the vendor says the call cost, in USD without an exponent, or None.

    OpenRouter says it in `cost`, Perplexity in `cost.total_cost`, DeepInfra in `estimated_cost`, xAI in ticks.
    """
    stated = usage.get("cost")
    if isinstance(stated, dict):
        stated = stated.get("total_cost")
    if stated is None:
        stated = usage.get("estimated_cost")
    if stated is not None:
        return _usd(stated)
    ticks = usage.get("cost_in_usd_ticks")
    return _usd(ticks / _TICKS_PER_USD) if isinstance(ticks, int) else None


def _usd(amount: Any) -> str | None:
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not math.isfinite(amount) or amount < 0:
        return None
    text = f"{amount:.12f}".rstrip("0").rstrip(".")
    return text or "0"
