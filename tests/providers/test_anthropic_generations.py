"""What we ask of each generation of Claude models, and turns that need mending before Anthropic takes them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from anthropic.types import MessageParam, OutputConfigParam, ThinkingConfigParam, ToolChoiceParam, ToolParam
from pydantic import TypeAdapter

from providers import ChatRequest, create_provider
from providers.anthropic.generations import NEWEST, UNKNOWN, generation_of
from providers.anthropic.requests import STRUCTURED_OUTPUT_BETA, chat_body
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
ANSWER = {"content": [{"type": "text", "text": "{}"}], "stop_reason": "end_turn"}


_TAKEN = {
    "thinking": TypeAdapter(ThinkingConfigParam),
    "output_config": TypeAdapter(OutputConfigParam),
    "tool_choice": TypeAdapter(ToolChoiceParam),
}
"""Anthropic's own types, from its SDK."""


def body_of(*messages: Any, model: str = "claude-sonnet-4-5", **fields: Any) -> dict[str, Any]:
    """The body of a call, which Anthropic's own types take."""
    body = chat_body(ChatRequest(model=model, messages=messages or [USER], **fields), default_max_tokens=4096)
    TypeAdapter(list[MessageParam]).validate_python(body["messages"])
    TypeAdapter(list[ToolParam]).validate_python(body.get("tools", []))
    for name in _TAKEN.keys() & body.keys():
        _TAKEN[name].validate_python(body[name])
    return body


async def sent_for(upstream: Upstream, request: ChatRequest, **settings: Any) -> Any:
    upstream.answer(200, ANSWER)
    async with create_provider("anthropic", api_key="test-key-alpha", base_url=upstream.base_url, **settings) as provider:  # fmt: skip
        await provider.chat_completion(request)
    return upstream.seen[-1]


@pytest.mark.parametrize(
    ("model", "line", "version"),
    [
        ("claude-2.1", "", (2, 0)), ("claude-instant-1.2", "", (2, 0)), ("claude-3-haiku-20240307", "haiku", (3, 0)),
        ("claude-3-5-haiku-latest", "haiku", (3, 5)), ("claude-3-7-sonnet-20250219", "sonnet", (3, 7)),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0)), ("claude-sonnet-4@20250514", "sonnet", (4, 0)),
        ("claude-opus-4-1-20250805", "opus", (4, 1)), ("us.anthropic.claude-sonnet-4-5-v1:0", "sonnet", (4, 5)),
        ("anthropic/claude-sonnet-4.6", "sonnet", (4, 6)), ("claude-opus-5-latest", "opus", (5, 0)),
        ("claude-fable-5-2", "fable", (5, 2)), ("claude-mythos-preview", *NEWEST), ("glm-4.6", *UNKNOWN),
    ],
)  # fmt: skip
def test_a_models_name_tells_its_generation(model: str, line: str, version: tuple[int, int]):
    assert generation_of(model) == (line, version)


# Thinking


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        ("claude-3-5-haiku-latest", "high", None, None),
        ("claude-3-7-sonnet-latest", "low", {"type": "enabled", "budget_tokens": 1024}, None),
        ("claude-sonnet-4-5", "high", {"type": "enabled", "budget_tokens": 2048}, None),
        ("claude-sonnet-4-5", "none", None, None),
        ("claude-sonnet-4-5", "minimal", None, None),
        ("claude-sonnet-4-6", "medium", {"type": "adaptive"}, "medium"),
        ("claude-opus-4-6", "xhigh", {"type": "adaptive"}, "high"),
        ("claude-opus-4-6", "max", {"type": "adaptive"}, "max"),
        ("claude-opus-4-6", "none", None, None),
        ("claude-opus-4-7", "xhigh", {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ("claude-opus-5-5", "minimal", {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-opus-5", "none", {"type": "disabled"}, "low"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, "low"),
        ("claude-haiku-5-5", "none", {"type": "disabled"}, "low"),
        ("claude-opus-5-5", "none", None, "low"),
        ("claude-fable-5-2", "none", None, "low"),
        ("claude-opus-5-5", "something_new", None, None),
    ],
)
def test_effort_is_asked_for_as_the_model_takes_it(model: str, effort: str, thinking: Any, level: str | None):
    body = body_of(model=model, reasoning_effort=effort)

    assert body.get("thinking") == thinking
    assert body.get("output_config") == (level and {"effort": level})


def test_a_forced_tool_leaves_thinking_out_and_effort_in():
    body = body_of(model="claude-opus-4-8", reasoning_effort="high", tools=[WEATHER], tool_choice="required")

    assert ("thinking" in body, body["output_config"]) == (False, {"effort": "high"})


def test_effort_and_a_schema_share_the_output_config():
    body = body_of(model="claude-opus-5-5", reasoning_effort="low", response_format=FORMAT)

    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}


def test_calls_whose_thoughts_were_lost_are_not_thought_about_in_a_budget():
    said = {"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": "weather", "arguments": "{}"}}]}
    turns = [USER, said, {"role": "tool", "tool_call_id": "t", "content": "warm"}]

    assert "thinking" not in body_of(*turns, reasoning_effort="high")
    assert body_of(*turns, model="claude-opus-4-8", reasoning_effort="high")["thinking"]["type"] == "adaptive"


# Structured output, sampling and limits


@pytest.mark.parametrize(
    ("model", "field", "beta"),
    [
        ("claude-opus-4-1", "output_format", STRUCTURED_OUTPUT_BETA),
        ("claude-haiku-4-5", "output_format", STRUCTURED_OUTPUT_BETA),
        ("claude-sonnet-4-6", "output_config", None),
        ("claude-fable-5-2", "output_config", None),
        ("claude-3-7-sonnet-latest", "tools", None),
    ],
)
async def test_a_schema_goes_where_the_model_knows_it(upstream: Upstream, model: str, field: str, beta: str | None):
    seen = await sent_for(upstream, ChatRequest(model=model, messages=[USER], response_format=FORMAT))

    assert [name for name in ("output_format", "output_config", "tools") if name in seen.json] == [field]
    assert seen.headers.get("anthropic-beta") == beta


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("claude-sonnet-4-0", {"temperature": 0.5, "top_p": 0.9}),
        ("claude-sonnet-4-5-20250929", {"temperature": 0.5}),
        ("claude-opus-4-1", {"temperature": 0.5}),
        ("claude-opus-4-7", {}),
        ("claude-haiku-5-5", {}),
        ("claude-fable-5-2", {}),
    ],
)
async def test_sampling_is_left_out_where_the_model_refuses_it(upstream: Upstream, model: str, kept: dict[str, Any]):
    request = ChatRequest(model=model, messages=[USER], temperature=0.5, top_p=0.9)

    sent = (await sent_for(upstream, request)).json

    assert {name: sent[name] for name in ("temperature", "top_p") if name in sent} == kept


async def test_top_p_alone_is_sent(upstream: Upstream):
    sent = (await sent_for(upstream, ChatRequest(model="claude-sonnet-4-5", messages=[USER], top_p=0.9))).json

    assert (sent["top_p"], "temperature" in sent) == (0.9, False)


@pytest.mark.parametrize(
    ("model", "settings", "given", "expected"),
    [
        ("claude-sonnet-4-5", {}, None, 64_000),
        ("claude-3-5-haiku-20241022", {}, None, 4096),
        ("glm-4.6", {}, None, 4096),
        ("claude-sonnet-4-5", {"default_max_tokens": 500}, None, 500),
        ("claude-sonnet-4-5", {"default_max_tokens": 500}, 7, 7),
        ("claude-sonnet-4-5", {}, 0, 0),
    ],
)
async def test_a_call_without_a_limit_may_use_what_the_model_has(
    upstream: Upstream, model: str, settings: dict[str, Any], given: int | None, expected: int
):
    sent = (await sent_for(upstream, ChatRequest(model=model, messages=[USER], max_tokens=given), **settings)).json

    assert sent["max_tokens"] == expected


# Turns


def test_results_go_first_in_their_turn():
    said = {"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}]}
    result = {"role": "tool", "tool_call_id": "t", "content": [], "is_error": True}

    turn = body_of(USER, said, {"role": "user", "content": "Well?"}, result)["messages"][2]

    assert [block["type"] for block in turn["content"]] == ["tool_result", "text"]
    assert turn["content"][0] == {"type": "tool_result", "tool_use_id": "t", "content": [], "is_error": True}


def test_a_result_may_hold_a_picture():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    result = {"role": "tool", "tool_call_id": "t", "content": [{"type": "text", "text": "Here"}, picture]}

    block = body_of(USER, result)["messages"][0]["content"][0]

    assert block["content"] == [
        {"type": "text", "text": "Here"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    ]


def test_ids_of_other_vendors_are_made_fit_on_both_sides():
    said = {"role": "assistant", "tool_calls": [{"id": "functions.f:0", "function": {"name": "f", "arguments": {}}}]}

    turns = body_of(USER, said, {"role": "tool", "tool_call_id": "functions.f:0", "content": "ok"})["messages"]

    assert turns[1]["content"][0]["id"] == turns[2]["content"][0]["tool_use_id"] == "functions_f_0"


def test_blank_text_is_left_out_and_the_last_words_end_without_spaces():
    blank = {"role": "user", "content": [{"type": "text", "text": " \n"}, {"type": "text", "text": "Hi"}]}

    turns = body_of(blank, {"role": "assistant", "content": "The answer is "})["messages"]

    assert turns == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "The answer is"}]},
    ]


def test_a_refusal_of_another_vendor_is_what_was_said():
    turns = body_of(USER, {"role": "assistant", "content": None, "refusal": "I won't."}, USER)["messages"]

    assert turns[1]["content"] == [{"type": "text", "text": "I won't."}]


MARK = {"type": "ephemeral", "ttl": "1h"}


def test_a_messages_own_cache_mark_stands_on_its_last_block():
    call = {"id": "t", "function": {"name": "f", "arguments": "{}"}, "cache_control": MARK}
    body = body_of(
        {"role": "system", "content": "Long", "cache_control": MARK},
        {"role": "user", "content": "Long too", "cache_control": MARK},
        {"role": "assistant", "content": "Yes", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": "ok", "cache_control": MARK},
        tools=[{"type": "function", "function": {"name": "f", "cache_control": MARK}}],
    )

    assert body["system"] == [{"type": "text", "text": "Long", "cache_control": MARK}]
    assert [turn["content"][-1].get("cache_control") for turn in body["messages"]] == [MARK, MARK, MARK]
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}, "cache_control": MARK}]


@pytest.mark.parametrize(
    ("file", "block"),
    [
        (
            {"file_data": f"data:text/markdown;charset=utf-8;base64,{base64.b64encode('# Ä'.encode()).decode()}", "filename": "a.md"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# Ä"}, "title": "a.md"},
        ),
        (
            {"file_data": "data:image/png;base64,AAAA"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ),
        (
            {"file_data": "https://a.test/b.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://a.test/b.pdf"}},
        ),
        (
            {"file_data": "JVBERi0="},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
        ),
    ],
    ids=["text", "picture", "address", "bare-base64"],
)  # fmt: skip
def test_files_become_the_block_that_fits_them(file: dict[str, Any], block: dict[str, Any]):
    body = body_of({"role": "user", "content": [{"type": "file", "file": file}]})

    assert body["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": None, "properties": {}}, {"type": "object", "properties": {}}),
    ],
)
def test_a_tools_schema_says_that_it_is_an_objects(parameters: Any, schema: dict[str, Any]):
    tool = {"type": "function", "function": {"name": "f", "description": None, "parameters": parameters}}

    assert body_of(tools=[tool])["tools"] == [{"name": "f", "input_schema": schema}]


def test_no_tools_at_all_go_with_no_wish_about_parallel_ones():
    body = body_of(tools=[WEATHER], tool_choice="none", parallel_tool_calls=False)

    assert body["tool_choice"] == {"type": "none"}
