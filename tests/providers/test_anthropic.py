"""Our requests in Anthropic's form and its answers in ours, where the recordings don't say."""

from __future__ import annotations

from typing import Any

import pytest

from providers import ChatRequest, LLMProviderInvalidRequestError, Usage, create_provider
from providers.anthropic.requests import JSON_TOOL, chat_body
from providers.anthropic.wire import MessageStream, chat_response
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "d", "parameters": SCHEMA, "strict": True},
}


def body_of(*messages: dict[str, Any], model: str = "claude-sonnet-4-5", **fields: Any) -> dict[str, Any]:
    request = ChatRequest(model=model, messages=messages or [USER], **fields)
    return chat_body(request, default_max_tokens=4096)


def call(name: str, arguments: str, call_id: str = "t1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_plain_chat():
    assert body_of(
        {"role": "system", "content": "Be brief."}, USER, max_tokens=7, temperature=0.5, stop="END", user="u1"
    ) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 7,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
    }


def test_several_system_messages_become_one_text():
    messages = [
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [{"type": "text", "text": "B"}]},
        USER,
    ]

    assert body_of(*messages)["system"] == "A\n\nB"


def test_a_cached_system_prompt_stays_in_blocks():
    block = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}}

    assert body_of({"role": "system", "content": [block]}, USER)["system"] == [block]


def test_the_results_of_parallel_calls_and_the_next_words_are_one_turn():
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call("f", '{"x":1}', "t1"), call("g", "", "t2")]},
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "And?"},
    ]

    assert body_of(*messages)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "two"}]},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


@pytest.mark.parametrize("arguments", ["{not json", "[1]", '"text"'])
def test_an_earlier_call_with_broken_arguments_is_refused_by_name(arguments: str):
    with pytest.raises(LLMProviderInvalidRequestError, match="'f'"):
        body_of(USER, {"role": "assistant", "tool_calls": [call("f", arguments)]})


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}, "cache_control": {"type": "ephemeral"}},
            {
                "type": "image",
                "source": {"type": "url", "url": "https://a.test/b.png"},
                "cache_control": {"type": "ephemeral"},
            },
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "thinking", "thinking": "hm", "signature": "s"},
        ),
    ],
)
def test_parts_become_blocks(part: dict[str, Any], block: dict[str, Any]):
    assert body_of({"role": "user", "content": [part]})["messages"][0]["content"] == [block]


def test_empty_text_is_left_out_since_anthropic_refuses_it():
    assert body_of(USER, {"role": "assistant", "content": ""}, USER)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "Hi"}]}
    ]


def test_thinking_of_an_earlier_turn_goes_first():
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}

    turn = body_of(USER, {"role": "assistant", "content": "Yes", "thinking_blocks": [thought]})["messages"][1]

    assert turn["content"] == [thought, {"type": "text", "text": "Yes"}]


def test_tools_of_ours_are_translated_and_those_of_the_vendor_go_through():
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}

    body = body_of(tools=[{**WEATHER, "defer_loading": True}, search])

    assert body["tools"] == [
        {"name": "weather", "description": "d", "input_schema": SCHEMA, "strict": True, "defer_loading": True},
        search,
    ]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("none", None, {"type": "none"}),
        ({"type": "function", "function": {"name": "weather"}}, None, {"type": "tool", "name": "weather"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, True, None),
    ],
)
def test_the_choice_of_tools(choice: Any, parallel: bool | None, expected: Any):
    body = body_of(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=parallel)

    assert body.get("tool_choice") == expected


def test_a_schema_goes_natively_where_the_model_can():
    assert body_of(response_format=FORMAT)["output_format"] == {"type": "json_schema", "schema": SCHEMA}


@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "claude-sonnet-4-20250514", "claude-opus-4-0"])
def test_a_schema_is_a_forced_tool_where_the_model_cannot(model: str):
    body = body_of(model=model, response_format=FORMAT)

    assert "output_format" not in body
    assert [tool["name"] for tool in body["tools"]] == [JSON_TOOL]
    assert body["tool_choice"] == {"type": "tool", "name": JSON_TOOL}


def test_the_answer_of_that_tool_is_the_text():
    payload = {
        "content": [{"type": "tool_use", "id": "t", "name": JSON_TOOL, "input": {"a": "b"}}],
        "stop_reason": "tool_use",
    }

    response = chat_response(payload, provider="anthropic", model="m")

    assert (response.text, response.tool_calls, response.finish_reason) == ('{"a":"b"}', [], "stop")


def test_the_answer_of_that_tool_streams_as_text():
    events = [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": JSON_TOOL, "input": {}},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '"b"}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
    ]
    stream = MessageStream()

    chunks = [chunk for event in events if (chunk := stream.take(event))]

    assert "".join(chunk.text for chunk in chunks) == '{"a":"b"}'
    assert chunks[-1].finish_reason == "stop"


def test_a_tool_without_input_still_streams_json():
    stream = MessageStream()
    start = {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    }

    first, last = stream.take(start), stream.take({"type": "content_block_stop", "index": 3})

    assert (first.tool_calls[0].index, first.tool_calls[0].name) == (0, "f")
    assert last.tool_calls[0].arguments == "{}"


def test_json_without_a_schema_is_asked_for_in_words():
    assert "JSON" in body_of(response_format={"type": "json_object"})["system"]


def test_effort_is_a_budget_of_thinking_within_the_limit():
    body = body_of(reasoning_effort="high", max_tokens=8000, temperature=0.3)

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 4000}
    assert "temperature" not in body
    assert "thinking" not in body_of(reasoning_effort="low", max_tokens=500)
    assert "thinking" not in body_of(reasoning_effort="high", tools=[WEATHER], tool_choice="required")


@pytest.mark.parametrize("wish", [{"n": 2}, {"logprobs": True}])
def test_what_anthropic_cannot_do_is_refused(wish: dict[str, Any]):
    with pytest.raises(LLMProviderInvalidRequestError, match=next(iter(wish))):
        body_of(**wish)


def test_extra_goes_through_untouched_and_last():
    assert body_of(extra={"top_k": 5, "max_tokens": 9}) == {**body_of(), "top_k": 5, "max_tokens": 9}


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("tool_use", "tool_calls"), ("refusal", "content_filter"),
        ("something_new", "stop"), (None, "stop"),
    ],
)  # fmt: skip
def test_stop_reasons(stop_reason: str | None, expected: str):
    assert (
        chat_response({"stop_reason": stop_reason, "content": []}, provider="anthropic", model="m").finish_reason
        == expected
    )


def test_g02_usage_of_a_stream_is_what_was_said_last():
    stream = MessageStream()
    usage = {"input_tokens": 5, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 9, "output_tokens": 1}
    stream.take({"type": "message_start", "message": {"id": "1", "model": "m", "usage": usage}})

    chunk = stream.take(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 4, "input_tokens": None},
        }
    )

    assert chunk.usage == Usage(input_tokens=5, cached_input_tokens=7, cache_write_tokens=9, output_tokens=4)


async def test_beta_features_of_the_config_the_call_and_the_format_share_one_header(upstream: Upstream):
    upstream.answer(200, {"content": [], "stop_reason": "end_turn"})
    request = ChatRequest(
        model="claude-sonnet-4-5", messages=[USER], response_format=FORMAT, headers={"Anthropic-Beta": "b,c"}
    )

    async with create_provider(
        "anthropic", api_key="test-key-alpha", base_url=upstream.base_url, beta="a,b"
    ) as provider:
        await provider.chat_completion(request)

    assert upstream.seen[0].headers["anthropic-beta"] == "a,b,c,structured-outputs-2025-11-13"
