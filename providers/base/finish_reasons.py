"""Why an answer ended: the words of everybody who speaks OpenAI's dialect, as one of our four, or as a failure.

`stop` with tool calls in the answer becomes `tool_calls` where the answer is read (`openai_wire`, `openai_stream`): some
vendors don't tell the two ends apart, and callers act on the calls.
Sources: the API references of OpenAI, Azure, DeepSeek, Mistral, Groq, Together, Z.ai, vLLM, text-generation-inference;
for those that gateways pass on, Anthropic's, Bedrock's, Cohere's and Gemini's.
"""

from __future__ import annotations

from typing import Any

from providers.types import FinishReason

_WORDS: dict[FinishReason, tuple[str, ...]] = {
    "stop": ("stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "pause_turn"),
    "length": (
        "length", "max_tokens", "model_length", "max_output_tokens", "max_length", "model_context_window_exceeded",
    ),
    "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call"),
    "content_filter": (
        "content_filter", "content_filtered", "safety", "sensitive", "recitation", "prohibited_content", "blocklist",
        "spii", "image_safety", "guardrail_intervened", "error_toxic", "refusal",
    ),
}  # fmt: skip
_REASONS: dict[str, FinishReason] = {word: reason for reason, words in _WORDS.items() for word in words}
_NO_REASON = frozenset({"", "null", "none"})
_FAILURES = {
    "error": "The provider ended its answer with an error.",
    "insufficient_system_resource": "The provider ran out of resources in the middle of its answer.",
    "network_error": "The provider's network failed in the middle of its answer.",
    "abort": "The provider stopped in the middle of its answer.",
    "malformed_function_call": "The model ended its answer with a tool call that can't be read.",
    "error_limit": "The provider ended its answer with an error: its context limit was reached.",
}


def finish_reason_of(value: Any) -> FinishReason | None:
    """The normalised reason. An unknown word means that the answer ended (`stop`), nothing means that it did not."""
    if not isinstance(value, str):
        return None
    word = value.lower()
    if word in _NO_REASON:
        return None
    return _REASONS.get(word) or _REASONS.get(word.partition(":")[0].strip(), "stop")


def failure_in(value: Any) -> str | None:
    """A sentence for a reason that says that the answer failed, else None."""
    return _FAILURES.get(value.rpartition(":")[2].strip().lower()) if isinstance(value, str) else None
