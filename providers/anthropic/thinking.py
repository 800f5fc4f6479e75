"""`reasoning_effort` as Claude's thinking, and earlier thoughts sent back with the tool calls they led to. Pure.

Thoughts are signed, and a model that thinks wants to see them again before the calls that followed. They travel with the
first call after them, in its `extra_content`, as Gemini's signatures do.
Source: https://platform.claude.com/docs/en/build-with-claude/thinking
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.anthropic.generations import Generation, generation_of
from providers.base.reading import as_list, as_mapping, as_text

_BUDGETS = {"low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_SMALLEST_BUDGET = 1024
_EFFORTS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}  # fmt: skip
_OFF = {
    ("opus", (5, 0)): {"type": "disabled"},
    ("haiku", (5, 5)): {"type": "disabled"},
    ("sonnet", (5, 5)): {"type": "between_tools"},
}
"""How models that think unasked are told not to, where they can be; the others think little at a low effort."""


def add_thinking(body: dict[str, Any], effort: str | None, *, model: str) -> None:
    """Put `effort` into `body` in the way that the model takes it; models that can't think are left alone.

    Thinking goes with neither a forced tool nor a temperature.
    """
    generation = generation_of(model)
    if effort not in _EFFORTS:
        return
    is_forced = as_mapping(body.get("tool_choice")).get("type") in ("any", "tool")
    thinking: dict[str, Any] | None = None
    if generation.thinks_adaptively:
        thinking = _adaptive(body, effort, generation)
    elif generation.thinks_in_budgets and not _lacks_thoughts(body["messages"]):
        budget = min(_BUDGETS.get(effort, 0), body["max_tokens"] // 2)
        thinking = {"type": "enabled", "budget_tokens": budget} if budget >= _SMALLEST_BUDGET else None
    if thinking is None or is_forced:
        return
    body["thinking"] = thinking
    if thinking["type"] in ("enabled", "adaptive"):
        body.pop("temperature", None)
        body.pop("top_p", None)


def _adaptive(body: dict[str, Any], effort: str, generation: Generation) -> dict[str, Any] | None:
    """The model thinks as much as it finds right; `output_config.effort` says how much that may be."""
    is_none = effort == "none"
    if is_none and not generation.thinks_unasked:
        return None
    level = _EFFORTS[effort]
    if level == "xhigh" and not generation.takes_every_effort:
        level = "high"
    body["output_config"] = {"effort": level, **as_mapping(body.get("output_config"))}
    if is_none:
        return _OFF.get((generation.line, generation.version))
    return {"type": "adaptive"} | ({"display": "summarized"} if generation.hides_thinking else {})


def _lacks_thoughts(turns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the calls that the last results belong to came without their thoughts, which a budget wants before them."""
    said: list[Mapping[str, Any]] = next(
        (turn["content"] for turn in reversed(turns) if turn["role"] == "assistant"), []
    )
    kinds = [block.get("type") for block in said]
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


# Thoughts beside tool calls


def is_thought(block: Mapping[str, Any]) -> bool:
    """Whether the block is one that may be sent back: signed thinking, or thinking that was made unreadable."""
    kind = block.get("type")
    return kind == "redacted_thinking" or (kind == "thinking" and bool(block.get("signature")))


def beside_call(thoughts: list[dict[str, Any]], *, model: str) -> dict[str, Any] | None:
    """The `extra_content` of the call that `thoughts` led to."""
    return {"anthropic": {"model": model, "thinking_blocks": thoughts}} if thoughts else None


def thoughts_before(call: Mapping[str, Any], *, model: str) -> list[dict[str, Any]]:
    """The thoughts that came with an earlier call, unless they are another model's: it alone takes them back."""
    kept = as_mapping(as_mapping(call.get("extra_content")).get("anthropic"))
    maker = as_text(kept.get("model"))
    if maker and generation_of(maker) != generation_of(model):
        return []
    return [dict(block) for block in as_list(kept.get("thinking_blocks")) if isinstance(block, dict)]
