"""Meters of OpenAI's dialect and of those who fill its `usage` differently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import Usage
from providers.base.openai_usage import usage_of
from providers.base.openai_wire import chat_chunk, chat_response

counts = st.integers(min_value=0, max_value=10**6)


def test_cached_tokens_and_reasoning_are_parts_of_their_totals():
    data = {
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }  # fmt: skip

    assert usage_of(data) == Usage(30, 60, 10, 30, 20)


def test_a_cache_that_only_the_total_accounts_for_stands_outside_the_prompt():
    data = {
        "prompt_tokens": 2000, "completion_tokens": 4, "total_tokens": 3321,
        "cache_read_input_tokens": 1217, "cache_creation_input_tokens": 100,
    }  # fmt: skip

    assert usage_of(data) == Usage(2000, 1217, 100, 4, 0)


def test_reasoning_that_only_the_total_accounts_for_stands_outside_the_completion():
    data = {
        "prompt_tokens": 194, "completion_tokens": 300, "total_tokens": 710,
        "completion_tokens_details": {"reasoning_tokens": 216},
    }  # fmt: skip

    assert usage_of(data) == Usage(194, 0, 0, 300, 216)


def test_both_may_stand_outside():
    data = {
        "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 60,
        "prompt_tokens_details": {"cached_tokens": 9},
        "completion_tokens_details": {"reasoning_tokens": 21},
    }  # fmt: skip

    assert usage_of(data) == Usage(10, 9, 0, 20, 21)


@pytest.mark.parametrize("total", [None, 0, 7])
def test_a_part_larger_than_its_whole_stands_outside_whatever_the_total_says(total: int | None):
    data = {
        "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": 1217},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }  # fmt: skip

    assert usage_of(data) == Usage(3, 1217, 0, 4, 5)


@given(prompt=counts, completion=counts, cached=counts, written=counts, reasoning=counts, total=counts)
def test_no_meter_is_ever_negative_and_every_part_is_counted(**numbers: int):
    usage = usage_of(
        {
            "prompt_tokens": numbers["prompt"],
            "completion_tokens": numbers["completion"],
            "total_tokens": numbers["total"],
            "prompt_tokens_details": {
                "cached_tokens": numbers["cached"],
                "cache_write_tokens": numbers["written"],
            },
            "completion_tokens_details": {"reasoning_tokens": numbers["reasoning"]},
        }
    )

    assert usage is not None
    assert min(usage.as_dict().values()) >= 0
    assert (usage.cached_input_tokens, usage.cache_write_tokens) == (numbers["cached"], numbers["written"])
    assert usage.reasoning_tokens == numbers["reasoning"]


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"x_groq": {"id": "1", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}},
    ],
)
def test_usage_is_found_at_the_top_and_under_a_vendors_own_key(body: dict[str, Any]):
    choice = {"index": 0, "finish_reason": "stop"}

    whole = chat_response({"choices": [{**choice, "message": {"content": "a"}}], **body}, provider="p", model="m")
    last = chat_chunk({"choices": [{**choice, "delta": {}}], **body})

    assert whole.usage == last.usage == Usage(input_tokens=3, output_tokens=1)


def test_usage_is_found_in_the_choice():
    chunk = chat_chunk(
        {"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}]}
    )

    assert chunk.usage == Usage(input_tokens=3, output_tokens=1)


@pytest.mark.parametrize("payload", [{}, {"usage": None}, {"choices": [None]}, {"x_groq": "id"}])
def test_usage_that_is_not_there_is_none(payload: dict[str, Any]):
    assert chat_response(payload, provider="p", model="m").usage is None


def test_thinking_in_content_blocks_is_reasoning():
    whole = {"content": "4", "content_blocks": [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}]}
    piece = {"content": "", "content_blocks": [{"index": 0, "delta": {"thinking": "2+2"}}]}

    answer = chat_response({"choices": [{"message": whole}]}, provider="p", model="m")
    chunk = chat_chunk({"choices": [{"delta": piece}]})

    assert (answer.text, answer.reasoning) == ("4", "2+2")
    assert (chunk.text, chunk.reasoning) == ("", "2+2")
