"""Answers of OpenAI's dialect in the accents that vendors speak it with: whole and streamed they say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import Usage
from providers.types import ChatResponse, ToolCall
from tests.providers.canned import ADDRESS, ask, gathered, listen
from tests.providers.dialect_exchanges import EXCHANGES, Exchange, body, events, piece


def settings_of(exchange: Exchange) -> dict[str, Any]:
    return {"base_url": ADDRESS[exchange.slug]} if exchange.slug in ADDRESS else {}


def check_calls(calls: list[ToolCall], exchange: Exchange) -> None:
    assert [(call.name, call.arguments) for call in calls] == [(name, text) for _, name, text in exchange.calls]
    assert all(call.id == given for call, (given, _, _) in zip(calls, exchange.calls, strict=True) if given is not None)
    assert all(call.id for call in calls)
    assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name.replace(" ", "-"))
async def test_a_whole_answer_is_read(exchange: Exchange):
    response = await ask(exchange.slug, exchange.body, **settings_of(exchange))

    assert (response.text, response.reasoning) == (exchange.text, exchange.reasoning)
    assert response.finish_reason == exchange.finish_reason
    assert (response.usage, response.cost_usd) == (exchange.usage, exchange.cost_usd)
    check_calls(response.tool_calls, exchange)


@pytest.mark.parametrize(
    "exchange",
    [exchange for exchange in EXCHANGES if exchange.stream is not None],
    ids=lambda exchange: exchange.name.replace(" ", "-"),
)
async def test_the_streamed_answer_says_the_same(exchange: Exchange):
    chunks = await listen(exchange.slug, exchange.stream, **settings_of(exchange))

    assert "".join(chunk.text for chunk in chunks) == exchange.text
    assert "".join(chunk.reasoning for chunk in chunks) == exchange.reasoning
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [exchange.finish_reason]
    ends_at = next(place for place, chunk in enumerate(chunks) if chunk.finish_reason)
    assert not [chunk for chunk in chunks[ends_at + 1 :] if chunk.text or chunk.reasoning or chunk.tool_calls]
    if exchange.usage is not None:
        assert [(chunk.usage, chunk.cost_usd) for chunk in chunks if chunk.usage] == [
            (exchange.usage, exchange.cost_usd)
        ]
        assert chunks[-1].usage == exchange.usage
    calls = [ToolCall("", "", "") for _ in exchange.calls]
    for tool_piece in (tool_piece for chunk in chunks for tool_piece in chunk.tool_calls):
        call = calls[tool_piece.index]
        call.id += tool_piece.id or ""  # clients add them up, so they must come once
        call.name += tool_piece.name or ""
        call.arguments += tool_piece.arguments
    check_calls(calls, exchange)


async def test_calls_without_ids_and_indices_are_told_apart():
    calls = [
        {"function": {"name": "f", "arguments": {}}},
        {"function": {"name": "g", "arguments": '{"x": 1}'}},
        {"function": {"name": "g", "arguments": '{"x": 2}'}},
        {"function": {"name": "h"}},
    ]

    chunks = await listen("local", events(piece({"tool_calls": calls}), piece({}, "tool_calls")))

    found: ChatResponse = gathered(chunks).response(Target())
    assert [(call.name, call.arguments) for call in found.tool_calls] == [
        ("f", "{}"), ("g", '{"x": 1}'), ("g", '{"x": 2}'), ("h", "{}"),
    ]  # fmt: skip


async def test_whole_arguments_after_whole_arguments_are_another_call():
    chunks = await listen(
        "local",
        events(
            piece({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "glob", "arguments": ""}}]}),
            piece({"tool_calls": [{"index": 0, "function": {"name": "", "arguments": '{"at": {"x": 1}}'}}]}),
            piece({"tool_calls": [{"index": 0, "function": {"name": "", "arguments": '{"at": 2}'}}]}, "stop"),
        ),
    )

    found = gathered(chunks).response(Target())
    assert [(call.name, call.arguments) for call in found.tool_calls] == [
        ("glob", '{"at": {"x": 1}}'), ("glob", '{"at": 2}'),
    ]  # fmt: skip


async def test_objects_within_one_calls_arguments_do_not_begin_another():
    parts = ['{"a": ', '{"b": 1}', ', "c": [', '{"d": 2}', ",", '{"e": 3}', "]}"]
    pieces = [piece({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}) for part in parts]
    first = piece({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}]})

    chunks = await listen("local", events(first, *pieces, piece({}, "tool_calls")))

    found = gathered(chunks).response(Target())
    assert [call.arguments for call in found.tool_calls] == ["".join(parts)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("stop_sequence", "stop"),
        ("something_new", "stop"), (None, "stop"), ("", "stop"), (0, "stop"), ({}, "stop"),
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("function_call", "tool_calls"), ("tool_use", "tool_calls"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"), ("sensitive", "content_filter"),
        ("content_filter: PROHIBITED_CONTENT", "content_filter"), ("guardrail_intervened", "content_filter"),
    ],
)  # fmt: skip
async def test_the_end_is_said_in_one_of_four_words(said: Any, expected: str):
    whole = await ask("local", body({"content": "a"}, said))
    chunks = await listen("local", events(piece({"content": "a"}), piece({}, said)))

    assert whole.finish_reason == expected
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [expected]


async def test_usage_under_a_vendors_own_key_needs_no_choice_beside_it():
    counted = {"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}}

    chunks = await listen("local", events(piece({"content": "a"}, "stop"), counted))

    assert chunks[-1].usage == Usage(3, 0, 0, 1, 0)


async def test_only_choices_that_are_not_the_first_are_read_too():
    response = await ask("local", {"choices": [{"index": 1, "message": {"content": "counted from one"}}]})

    assert response.text == "counted from one"


async def test_a_byte_order_mark_and_white_space_before_a_body_do_no_harm():
    text = json.dumps(body({"content": "pong"})).encode()

    assert (await ask("local", b"\xef\xbb\xbf" + text)).text == "pong"
    assert (await ask("openrouter", b"\n\n         \n" + text)).text == "pong"


async def test_an_older_call_of_a_function_stays_in_the_body():
    message = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}

    response = await ask("openai", body(message, "function_call"))

    assert (response.finish_reason, response.tool_calls) == ("tool_calls", [])
    assert response.raw["choices"][0]["message"]["function_call"]["name"] == "f"


class Target:
    """What `Gathering` asks of a planned target."""

    model, provider_name = "m", "local"
