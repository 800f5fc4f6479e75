"""Estimated tokens: for records whose provider does not count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmadmin.gateway.estimates import TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, estimate, tokens_of_text
from providers.types import ChatRequest


def test_four_bytes_make_a_token_and_a_message_costs_four_more():
    request = ChatRequest("m", [{"role": "user", "content": "x" * 9}])

    assert estimate(request, output_bytes=8).as_dict() | {} == {
        "input_tokens": 3 + TOKENS_PER_MESSAGE,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 2,
        "reasoning_tokens": 0,
    }


def test_an_image_counts_as_an_attachment():
    parts = [{"type": "text", "text": "abcd"}, {"type": "image_url", "image_url": {"url": "data:"}}]

    usage = estimate(ChatRequest("m", [{"role": "user", "content": parts}]), output_bytes=0)

    assert usage.input_tokens == 1 + TOKENS_PER_ATTACHMENT + TOKENS_PER_MESSAGE


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one, other):
    assert tokens_of_text(one + other) >= max(tokens_of_text(one), tokens_of_text(other))
