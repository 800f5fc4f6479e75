"""Anthropic's answers that no recording holds: every kind of block, event, usage and failure that its API documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from providers import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
REQUEST = ChatRequest(model="claude-sonnet-4-5", messages=[USER], max_tokens=64)
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}}
SERVER_BLOCKS = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]},
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "1"}},
    {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {"stdout": "1", "return_code": 0}},
    {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_3", "content": {"stdout": "1"}},
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "s", "input": {"a": 1}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [{"type": "text", "text": "no"}]},
    {"type": "container_upload", "file_id": "file_1"},
    {"type": "compaction", "content": "what was said"},
    {"type": "something_new", "text": "no", "input": {}},
]  # fmt: skip


def message(*content: Any, stop_reason: str | None = "end_turn", usage: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage or {"input_tokens": 3, "output_tokens": 2},
        **fields,
    }


def events_of(payload: dict[str, Any], *, between: Any = ()) -> list[dict[str, Any]]:
    """The events that the message would be streamed in, text and inputs in two pieces."""
    head = {**payload, "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}, {"type": "ping"}]
    for index, block in enumerate(payload["content"]):
        started, deltas = _started(block)
        events.append({"type": "content_block_start", "index": index, "content_block": started})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events += between
    ended = {"stop_reason": payload["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ended, "usage": payload["usage"]})
    return [*events, {"type": "message_stop"}]


def _started(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind = block["type"]
    if kind == "text":
        halves = block["text"][:1], block["text"][1:]
        cited = {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "c"}}
        return {"type": kind, "text": ""}, [*({"type": "text_delta", "text": half} for half in halves), cited]
    if kind == "thinking":
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return (
            {"type": kind, "thinking": "", "signature": ""},
            [{"type": "thinking_delta", "thinking": block["thinking"]}, signed],
        )
    if "input" in block:
        text = json.dumps(block["input"])
        pieces = ["", text[:3], text[3:]] if block["input"] else [""]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block, [{"type": "something_new_delta", "text": "no"}]


def provider_at(upstream: Upstream, **settings: Any) -> LLMProvider:
    return create_provider("anthropic", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0, **settings)


async def answer_to(upstream: Upstream, payload: dict[str, Any], request: ChatRequest = REQUEST) -> ChatResponse:
    upstream.answer(200, payload)
    async with provider_at(upstream) as provider:
        return await provider.chat_completion(request)


async def chunks_of(upstream: Upstream, *events: Any, **fields: Any) -> list[ChatChunk]:
    upstream.stream(*events, done=False, **fields)
    async with provider_at(upstream) as provider:
        return await read_stream(provider)


async def failure_of(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    async with provider_at(upstream) as provider:
        asked = read_stream(provider) if is_stream else provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderError) as caught:
            await asked
    return caught.value


async def read_stream(provider: LLMProvider) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(REQUEST)]


# Blocks and events


async def test_blocks_of_servers_own_tools_and_unknown_ones_are_neither_text_nor_calls(upstream: Upstream):
    payload = message({"type": "text", "text": "Yes"}, *SERVER_BLOCKS, CALL, stop_reason="tool_use")

    whole = await answer_to(upstream, payload)
    chunks = await chunks_of(upstream, *events_of(payload))

    assert (whole.text, [call.name for call in whole.tool_calls]) == ("Yes", ["f"])
    assert "".join(chunk.text for chunk in chunks) == "Yes"
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert {piece.index for piece in pieces} == {0}
    assert "".join(piece.arguments for piece in pieces) == '{"x": 1}'
    assert [piece.name for piece in pieces if piece.name] == ["f"]


async def test_unknown_events_and_deltas_are_skipped(upstream: Upstream):
    payload = message({"type": "text", "text": "Yes"})
    odd = [
        {"type": "something_new", "text": "no"},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_delta", "index": None, "delta": None},
        {"type": "content_block_start", "index": 7, "content_block": None},
        {"type": "content_block_stop", "index": 42},
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": None},
    ]

    chunks = await chunks_of(upstream, *events_of(payload, between=odd))

    assert "".join(chunk.text for chunk in chunks) == "Yes"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=2)]


@pytest.mark.parametrize(
    ("given", "expected"), [("text", '{"x":1}'), ("object", '{"x":1}'), ("nothing", "{}"), ("list", "[1]")]
)
async def test_a_calls_input_is_json_text_however_it_comes(upstream: Upstream, given: str, expected: str):
    inputs: dict[str, Any] = {"text": '{"x":1}', "object": {"x": 1}, "nothing": None, "list": [1]}
    payload = message({**CALL, "id": 7, "input": inputs[given]}, stop_reason="tool_use")
    start = {"type": "content_block_start", "index": 0, "content_block": payload["content"][0]}

    whole = await answer_to(upstream, payload)
    chunks = await chunks_of(
        upstream, start, {"type": "content_block_stop", "index": 0}, *events_of(message(stop_reason="tool_use"))
    )

    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(call.id, call.arguments) for call in whole.tool_calls] == [("7", expected)]
    assert (pieces[0].id, "".join(piece.arguments for piece in pieces)) == ("7", expected)


@pytest.mark.parametrize("content", ["Yes", [{"type": "text", "text": "Yes", "citations": None}, None, 5]])
async def test_content_that_is_text_or_holds_nulls_is_read(upstream: Upstream, content: Any):
    assert (await answer_to(upstream, message() | {"content": content})).text == "Yes"


async def test_an_end_marker_that_a_proxy_adds_is_no_event(upstream: Upstream):
    chunks = await chunks_of(upstream, *events_of(message({"type": "text", "text": "Yes"}))[:-1], b"[DONE]")

    assert "".join(chunk.text for chunk in chunks) == "Yes"


# Thinking


async def test_thoughts_travel_with_the_call_they_led_to_and_go_back_before_it(upstream: Upstream):
    second = {**CALL, "id": "toolu_2", "name": "g"}
    later = {**THOUGHT, "thinking": "and", "signature": "bmV4dA=="}
    payload = message(THOUGHT, HIDDEN, {"type": "text", "text": "I look."}, CALL, later, second, stop_reason="tool_use")

    whole = await answer_to(upstream, payload)
    chunks = await chunks_of(upstream, *events_of(payload))

    streamed = {piece.index: piece.extra_content for chunk in chunks for piece in chunk.tool_calls if piece.name}
    assert [call.extra_content for call in whole.tool_calls] == [streamed[0], streamed[1]]
    assert whole.reasoning == "hmand"
    said = whole.to_openai()["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in whole.tool_calls]
    await answer_to(
        upstream,
        message(),
        ChatRequest(
            model="claude-sonnet-4-5", messages=[USER, said, *results], max_tokens=4096, reasoning_effort="low"
        ),
    )
    sent = upstream.seen[-1].json
    assert sent["messages"][1]["content"] == payload["content"]
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 1024}


async def test_another_models_thoughts_stay_behind(upstream: Upstream):
    whole = await answer_to(upstream, message(THOUGHT, CALL, stop_reason="tool_use"))
    said = whole.to_openai()["choices"][0]["message"]

    await answer_to(upstream, message(), ChatRequest(model="claude-sonnet-5-5", messages=[USER, said]))

    assert [block["type"] for block in upstream.seen[-1].json["messages"][1]["content"]] == ["tool_use"]


async def test_unsigned_thinking_is_read_and_not_sent_back(upstream: Upstream):
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}

    payload = message(unsigned, CALL, stop_reason="tool_use")

    whole = await answer_to(upstream, payload)
    chunks = await chunks_of(upstream, *events_of(payload))

    assert (whole.reasoning, whole.tool_calls[0].extra_content) == ("hm", None)
    assert [piece.extra_content for chunk in chunks for piece in chunk.tool_calls if piece.name] == [None]


# Usage


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"input_tokens": 3, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}},
            Usage(input_tokens=3, output_tokens=4, reasoning_tokens=5),
        ),
        (
            {"input_tokens": 3, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 5}},
            Usage(input_tokens=3, reasoning_tokens=2),
        ),
        (
            {
                "input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
                "server_tool_use": {"web_search_requests": 1}, "service_tier": "standard",
            },
            Usage(input_tokens=3, cached_input_tokens=7, cache_write_tokens=9, output_tokens=2),
        ),
        (
            {
                "input_tokens": 3, "output_tokens": 2,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
            },
            Usage(input_tokens=3, cache_write_tokens=9, output_tokens=2),
        ),
        (
            {
                "input_tokens": 3, "output_tokens": 2,
                "iterations": [
                    {"type": "compaction", "input_tokens": 100, "output_tokens": 10},
                    {"type": "message", "input_tokens": 3, "output_tokens": 2},
                ],
            },
            Usage(input_tokens=103, output_tokens=12),
        ),
        (
            {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": None, "server_tool_use": None,
             "cache_creation": None, "output_tokens_details": None, "iterations": None},
            Usage(input_tokens=3, output_tokens=2),
        ),
    ],
    ids=["thinking", "more-thinking-than-output", "cache", "cache-by-lifetime-alone", "compaction", "nulls"],
)  # fmt: skip
async def test_g02_meters(upstream: Upstream, told: dict[str, Any], expected: Usage):
    whole = await answer_to(upstream, message(usage=told))
    chunks = await chunks_of(upstream, *events_of(message(usage=told)))

    assert whole.usage == expected
    assert [chunk.usage for chunk in chunks if chunk.usage] == [expected]


# Failures


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("invalid_request_error", 400, LLMProviderInvalidRequestError),
        ("authentication_error", 401, LLMProviderAuthenticationError),
        ("billing_error", 402, LLMProviderResourceExhaustedError),
        ("permission_error", 403, LLMProviderAuthenticationError),
        ("not_found_error", 404, LLMProviderModelError),
        ("conflict_error", 409, LLMProviderServiceError),
        ("request_too_large", 413, LLMProviderInvalidRequestError),
        ("rate_limit_error", 429, LLMProviderRateLimitError),
        ("api_error", 500, LLMProviderServiceError),
        ("timeout_error", 504, LLMProviderTimeoutError),
        ("overloaded_error", 529, LLMProviderServiceError),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True], ids=["status", "inside-a-stream"])
async def test_each_kind_of_failure_is_its_class_also_inside_a_stream(
    upstream: Upstream, kind: str, status: int, expected: type[LLMProviderError], is_stream: bool
):
    body = {"type": "error", "error": {"type": kind, "message": "No.", "details": None}, "request_id": "req_1"}
    if is_stream:
        upstream.stream(*events_of(message({"type": "text", "text": "Y"}))[:4], body, done=False)
    else:
        upstream.answer(status, body)

    error = await failure_of(upstream, is_stream=is_stream)

    assert type(error) is expected
    assert (error.status, error.code, error.message, error.request_id) == (status, kind, "No.", "req_1")


@pytest.mark.parametrize(
    "words",
    [
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
        "You have reached your specified workspace API usage limits.",
        "Your credit balance is too low to access the Anthropic API.",
    ],
)
async def test_spent_money_is_told_from_a_bad_request(upstream: Upstream, words: str):
    upstream.answer(400, {"type": "error", "error": {"type": "invalid_request_error", "message": words}})

    error = await failure_of(upstream)

    assert (type(error), error.status, error.fails_over) == (LLMProviderResourceExhaustedError, 400, True)


@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 212000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000",
    ],
)
async def test_a_prompt_that_is_too_long_is_told_as_such(upstream: Upstream, words: str):
    upstream.answer(400, {"type": "error", "error": {"type": "invalid_request_error", "message": words}})

    assert (await failure_of(upstream)).exceeds_context


async def test_a_wait_is_read_from_a_date_and_from_the_limits_reset(upstream: Upstream):
    now = datetime.now(UTC)
    upstream.answer(429, {}, headers={"retry-after": format_datetime(now + timedelta(seconds=40), usegmt=True)})
    reset = {
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": (now + timedelta(seconds=50)).isoformat(),
        "anthropic-ratelimit-requests-remaining": "9",
        "anthropic-ratelimit-requests-reset": (now + timedelta(seconds=900)).isoformat(),
    }
    upstream.answer(429, {}, headers=reset)

    by_date, by_limit = await failure_of(upstream), await failure_of(upstream)

    assert 0 < by_date.retry_after_s <= 40
    assert 0 < by_limit.retry_after_s <= 50


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><head><style>b{}</style></head><h1>Bad gateway</h1></html>", "Bad gateway"),
        (b"", "status 529"),
        (b'{"type":"error","error":null}', "null"),
        (b'{"error":{"message":null,"type":null}}', "null"),
    ],
)
async def test_whatever_a_failure_says_its_status_stays(upstream: Upstream, body: bytes, words: str):
    upstream.answer(529, body, headers={"request-id": "req_2"})

    error = await failure_of(upstream)

    assert (type(error), error.status, error.request_id) == (LLMProviderServiceError, 529, "req_2")
    assert words in error.message


@pytest.mark.parametrize("cut_after", [2, 4, 5])
async def test_g20_a_cut_stream_ends_in_an_error(upstream: Upstream, cut_after: int):
    upstream.stream(*events_of(message({"type": "text", "text": "Yes"}))[:cut_after], done=False)

    error = await failure_of(upstream, is_stream=True)

    assert (type(error), error.code, error.retryable) == (LLMProviderServiceError, "stream_cut", True)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"", b"[]", b"null"])
async def test_an_answer_that_is_none_is_an_error(upstream: Upstream, body: bytes, is_stream: bool):
    upstream.answer(200, body)

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.code in ("unreadable_answer", "stream_cut")) == (LLMProviderServiceError, True)


# Models


async def test_all_pages_of_the_models_are_read_and_retired_ones_left_out(upstream: Upstream):
    supported = {"supported": True}
    told = {"image_input": supported, "pdf_input": {"supported": False}, "thinking": supported, "citations": supported}
    first = {"id": "claude-a", "max_input_tokens": 9, "max_tokens": 5, "capabilities": told, "lifecycle": "active"}
    upstream.answer(200, {"data": [first], "has_more": True, "first_id": "claude-a", "last_id": "claude-a"})
    upstream.answer(
        200,
        {"data": [{"id": "claude-b", "lifecycle": "retired"}, {"id": "claude-c"}], "has_more": False, "last_id": "x"},
    )

    async with provider_at(upstream) as provider:
        models = await provider.list_models()

    assert [seen.path for seen in upstream.seen] == ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=claude-a"]
    assert [(model.name, model.context_window, model.max_output_tokens) for model in models] == [
        ("claude-a", 9, 5),
        ("claude-c", None, None),
    ]
    assert models[0].capabilities == {"chat", "stream", "tools", "vision", "reasoning"}


async def test_a_list_that_never_ends_is_not_followed_for_ever(upstream: Upstream):
    upstream.answer(200, {"data": [{"id": "claude-a"}], "has_more": True, "last_id": "claude-a"})

    async with provider_at(upstream) as provider:
        await provider.list_models()

    assert len(upstream.seen) == 50


async def test_embeddings_are_refused_before_any_call(upstream: Upstream):
    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.embed(EmbeddingRequest(model="m", input=["a"]))
        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.text_completion(CompletionRequest(model="m", prompt="a"))

    assert upstream.seen == []
