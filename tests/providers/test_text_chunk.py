"""The short way from a payload to a chunk gives what the long way gives, or nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import ChatChunk
from providers.base import openai_wire as wire
from providers.base.openai_compatible import _error_in
from providers.base.text_chunk import text_chunk

PLAIN: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "word "}, "logprobs": None, "finish_reason": None}],
    "usage": None,
}

ODD = [None, "", "x", 0, 1, True, [], ["x"], {}, {"x": 1}, {"content": "x"}, [{"delta": {}}], "stop", "error"]
NAMES = [
    "id", "object", "model", "choices", "usage", "error", "type", "message", "detail", "x_groq", "index", "delta",
    "content", "role", "refusal", "reasoning", "reasoning_content", "content_blocks", "tool_calls", "function_call",
    "finish_reason", "text",
]  # fmt: skip
PARTS = ["payload", "choice", "delta"]
CHANGE = st.tuples(st.sampled_from(PARTS), st.sampled_from(NAMES), st.sampled_from(ODD), st.booleans())


def changed(changes: list[tuple[str, str, Any, bool]]) -> dict[str, Any]:
    """The plain payload with some of its fields, or of its choice's or delta's, set or taken away."""
    delta: dict[str, Any] = {"content": "word "}
    choice = {**PLAIN["choices"][0], "delta": delta}
    payload = {**PLAIN, "choices": [choice]}
    parts = {"payload": payload, "choice": choice, "delta": delta}
    for part, name, value, is_taken in changes:
        if is_taken:
            parts[part].pop(name, None)
        else:
            parts[part][name] = value
    return payload


def test_the_plain_chunk_goes_the_short_way():
    assert text_chunk(PLAIN) == ChatChunk(text="word ", id="chatcmpl-1", model="m", raw=PLAIN)
    assert text_chunk(changed([("delta", "role", "assistant", False)])) is not None


def test_any_one_field_that_differs_is_read_the_same_either_way():
    for change in itertools.product(PARTS, NAMES, ODD, [False, True]):
        check_both_ways(changed([change]))


@given(st.lists(CHANGE, min_size=2, max_size=4))
def test_any_fields_that_differ_are_read_the_same_either_way(changes: list[tuple[str, str, Any, bool]]):
    check_both_ways(changed(changes))


def check_both_ways(payload: dict[str, Any]) -> None:
    chunk = text_chunk(payload)
    if chunk is not None:
        assert _error_in(payload) is None
        assert chunk == wire.chat_chunk(payload)


@pytest.mark.parametrize(
    "changes",
    [
        [("payload", "usage", {"prompt_tokens": 1}, False)],
        [("payload", "error", "x", False)],
        [("payload", "type", "error", False)],
        [("payload", "object", "error", False)],
        [("payload", "id", 7, False)],
        [("payload", "model", None, False)],
        [("payload", "choices", [], False)],
        [("payload", "choices", [*PLAIN["choices"], *PLAIN["choices"]], False)],
        [("choice", "index", 1, False)],
        [("choice", "error", {"x": 1}, False)],
        [("choice", "finish_reason", "stop", False)],
        [("choice", "delta", None, False)],
        [("delta", "content", None, False)],
        [("delta", "content", "", True), ("delta", "role", "assistant", False)],
        [("delta", "reasoning", "x", False)],
        [("delta", "tool_calls", [], False), ("delta", "role", "x", False)],
    ],
    ids=lambda changes: " ".join(f"{part}.{name}" for part, name, *_ in changes),
)
def test_every_other_chunk_goes_the_long_way(changes: list[tuple[str, str, Any, bool]]):
    assert text_chunk(changed(changes)) is None
