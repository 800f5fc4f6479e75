"""Cohere's answers that no recording holds: every event, reason, meter and failure that its API documents."""

from __future__ import annotations

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
REQUEST = ChatRequest(model="command-a-03-2025", messages=[USER])
CALLS = [
    {"id": f"f_{at}", "type": "function", "function": {"name": "f", "arguments": f'{{"x":{at}}}'}} for at in range(3)
]


def message(reason: str | None = "COMPLETE", usage: Any = None, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "message": {"role": "assistant", **fields}, "finish_reason": reason, "usage": usage}


def event(kind: str, index: int | None = 0, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": fields}}


def ended(reason: str | None = "COMPLETE", **delta: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, **delta}}


STARTED = {
    "type": "message-start",
    "id": "c1",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": ""}},
}


def provider_at(upstream: Upstream, **settings: Any) -> LLMProvider:
    return create_provider("cohere", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0, **settings)


async def answer_to(upstream: Upstream, payload: Any, request: ChatRequest = REQUEST, **settings: Any) -> ChatResponse:
    upstream.answer(200, payload)
    async with provider_at(upstream, **settings) as provider:
        return await provider.chat_completion(request)


async def read_stream(provider: LLMProvider) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(REQUEST)]


async def chunks_of(upstream: Upstream, *events: Any, **settings: Any) -> list[ChatChunk]:
    upstream.stream(STARTED, *events)
    async with provider_at(upstream, **settings) as provider:
        return await read_stream(provider)


async def failure_of(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    async with provider_at(upstream) as provider:
        asked = read_stream(provider) if is_stream else provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderError) as caught:
            await asked
    return caught.value


# Events and parts


async def test_thinking_text_citations_and_unknown_events_in_one_stream(upstream: Upstream):
    chunks = await chunks_of(
        upstream,
        event("content-start", content={"type": "thinking", "thinking": "h"}),
        event("content-delta", content={"thinking": "m"}),
        event("content-end"),
        event("content-start", 1, content={"type": "text", "text": ""}),
        event("content-delta", 1, content={"text": "ye"}),
        event("citation-start", 0, citations={"start": 0, "end": 2, "text": "ye", "sources": []}),
        event("citation-end"),
        {"type": "debug", "prompt": "secret"},
        {"type": "something-new", "delta": {"message": {"content": {"text": "no"}}}},
        event("content-delta", None, content={"text": "s", "thinking": None}),
        event("content-delta", 1, content=None),
        {"type": "content-delta", "index": 1, "delta": None},
        ended(usage={"tokens": {"input_tokens": 3.0, "output_tokens": 2.0}}),
    )

    assert "".join(chunk.text for chunk in chunks) == "yes"
    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=2)]


@pytest.mark.parametrize("index", [None, 0], ids=["none", "always-0"])
async def test_calls_without_an_index_of_their_own_keep_apart(upstream: Upstream, index: int | None):
    events: list[dict[str, Any]] = []
    for call in CALLS:
        function = call["function"] | {"arguments": ""}
        events += [
            event("tool-call-start", index, tool_calls=call | {"function": function}),
            event("tool-call-delta", index, tool_calls={"function": {"arguments": call["function"]["arguments"]}}),
            event("tool-call-end", index),
        ]

    chunks = await chunks_of(upstream, *events, ended("TOOL_CALL"))

    arguments: dict[int, str] = {}
    for piece in (piece for chunk in chunks for piece in chunk.tool_calls):
        arguments[piece.index] = arguments.get(piece.index, "") + piece.arguments
    assert arguments == {at: f'{{"x":{at}}}' for at in range(3)}
    assert chunks[-1].finish_reason == "tool_calls"


async def test_a_plan_travels_with_the_call_it_led_to_and_goes_back_with_it(upstream: Upstream):
    whole = await answer_to(upstream, message("TOOL_CALL", tool_plan="I look.", tool_calls=CALLS[:2], content=None))
    chunks = await chunks_of(
        upstream,
        event("tool-plan-delta", tool_plan="I "),
        event("citation-start", citations={"text": "I"}),
        event("tool-plan-delta", tool_plan="look."),
        event("tool-call-start", tool_calls=CALLS[0]),
        event("tool-call-start", 1, tool_calls=CALLS[1]),
        ended("TOOL_CALL"),
    )

    streamed = [piece.extra_content for chunk in chunks for piece in chunk.tool_calls if piece.name]
    assert [call.extra_content for call in whole.tool_calls] == streamed == [{"cohere": {"tool_plan": "I look."}}, None]
    said = whole.to_openai()["choices"][0]["message"]
    await answer_to(upstream, message(content="ok"), ChatRequest(model="command-a-03-2025", messages=[USER, said]))
    assert upstream.seen[-1].json["messages"][1] == {
        "role": "assistant", "tool_calls": CALLS[:2], "tool_plan": "I look.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "text", "reasoning"),
    [
        ({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}]}, "yes", "hm"),
        ({"content": "yes"}, "yes", ""),
        ({"content": None, "tool_calls": None, "citations": None, "tool_plan": None}, "", ""),
        ({"content": [None, {"type": "text", "text": None}]}, "", ""),
    ],
)
async def test_content_of_every_shape_is_read(upstream: Upstream, fields: Any, text: str, reasoning: str):
    whole = await answer_to(upstream, message(**fields))

    assert (whole.text, whole.reasoning, whole.tool_calls) == (text, reasoning, [])


# Usage


TOLD = {"tokens": {"input_tokens": 503, "output_tokens": 35}, "billed_units": {"input_tokens": 8, "output_tokens": 30}}


@pytest.mark.parametrize(
    ("meters", "told", "expected"),
    [
        ("tokens", TOLD | {"cached_tokens": 480}, Usage(input_tokens=23, cached_input_tokens=480, output_tokens=35)),
        ("billed_units", TOLD | {"cached_tokens": 480}, Usage(input_tokens=8, output_tokens=30)),
        ("billed_units", {"tokens": {"input_tokens": 3, "output_tokens": 2}}, Usage(input_tokens=3, output_tokens=2)),
        ("tokens", {"tokens": {"output_tokens": 2}, "billed_units": {"input_tokens": 5, "output_tokens": 1}},
         Usage(input_tokens=5, output_tokens=2)),
        ("tokens", {"tokens": {"input_tokens": None, "output_tokens": 2}, "billed_units": None, "cached_tokens": None},
         Usage(output_tokens=2)),
        ("tokens", {"tokens": {}, "billed_units": {"search_units": 1}}, None),
        ("tokens", None, None),
    ],
)  # fmt: skip
async def test_g02_meters(upstream: Upstream, meters: str, told: Any, expected: Usage | None):
    whole = await answer_to(upstream, message(usage=told, content="a"), meters=meters)
    chunks = await chunks_of(upstream, ended(usage=told), meters=meters)

    assert (whole.usage, chunks[-1].usage) == (expected, expected)


async def test_g01_an_embedding_that_bills_pictures_has_no_usage_rather_than_none_to_pay(upstream: Upstream):
    picture = {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}
    upstream.answer(200, {"embeddings": {"float": [[0.5]]}, "meta": {"billed_units": {"images": 1}}})

    async with provider_at(upstream) as provider:
        response = await provider.embed(EmbeddingRequest(model="embed-v4.0", input=[], extra={"inputs": [picture]}))

    assert (response.embeddings, response.usage) == ([[0.5]], None)
    assert upstream.seen[0].json == {
        "model": "embed-v4.0", "input_type": "search_document", "embedding_types": ["float"], "inputs": [picture],
    }  # fmt: skip


async def test_vectors_in_base64_are_read_and_the_wished_type_is_asked_for(upstream: Upstream):
    upstream.answer(200, {"embeddings": {"base64": ["AAAAPwAAgD8="]}})
    request = EmbeddingRequest(
        model="embed-v4.0",
        input=["a"],
        dimensions=2,
        extra={"embedding_types": ["base64"], "input_type": "search_query"},
    )

    async with provider_at(upstream) as provider:
        response = await provider.embed(request)

    sent = upstream.seen[0].json
    assert response.embeddings == [[0.5, 1.0]]
    assert (sent["embedding_types"], sent["input_type"], sent["output_dimension"]) == (["base64"], "search_query", 2)


# Failures


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, "invalid request: message must be at least 1 token long", LLMProviderInvalidRequestError),
        (401, "invalid api token", LLMProviderAuthenticationError),
        (402, "Please add or update your payment method", LLMProviderResourceExhaustedError),
        (403, "Your API key has been blocked", LLMProviderAuthenticationError),
        (404, "model 'm' not found", LLMProviderModelError),
        (422, "unknown field: parameter name is not a valid field", LLMProviderInvalidRequestError),
        (429, "trial token rate limit exceeded, limit is 100000 tokens per minute", LLMProviderRateLimitError),
        (498, "a deny-listed token was found", LLMProviderInvalidRequestError),
        (499, "request cancelled", LLMProviderServiceError),
        (501, "not implemented", LLMProviderServiceError),
        (503, "service unavailable", LLMProviderServiceError),
        (504, "gateway timeout", LLMProviderTimeoutError),
    ],
)
@pytest.mark.parametrize("has_id", [False, True], ids=["message", "id-and-message"])
async def test_each_status_is_its_class(
    upstream: Upstream, status: int, words: str, expected: type[LLMProviderError], has_id: bool
):
    upstream.answer(status, {"message": words} | ({"id": "e1"} if has_id else {}), headers={"x-debug-trace-id": "t1"})

    error = await failure_of(upstream)

    assert (type(error), error.status, error.message, error.request_id) == (expected, status, words, "t1")


async def test_a_prompt_that_is_too_long_is_told_as_such(upstream: Upstream):
    words = "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."
    upstream.answer(400, {"message": words})

    assert (await failure_of(upstream)).exceeds_context


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "expected", "status"),
    [
        ("ERROR", LLMProviderServiceError, 200),
        ("error", LLMProviderServiceError, 200),
        ("TIMEOUT", LLMProviderTimeoutError, 504),
        ("USER_CANCEL", LLMProviderServiceError, 200),
    ],
)
async def test_an_answer_that_ends_in_a_failure_is_one(
    upstream: Upstream, reason: str, expected: type[LLMProviderError], status: int, is_stream: bool
):
    text = event("content-delta", content={"text": "a"})
    if is_stream:
        upstream.stream(STARTED, text, ended(reason, error=None))
    else:
        upstream.answer(200, message(reason, content="a"))

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.status) == (expected, status)
    assert reason.upper() in error.message


@pytest.mark.parametrize(
    ("body", "words"), [(b"<html><h1>503</h1></html>", "503"), (b"", "no explanation"), (b'{"message":null}', "null")]
)
async def test_whatever_a_failure_says_its_status_stays(upstream: Upstream, body: bytes, words: str):
    upstream.answer(503, body)

    error = await failure_of(upstream)

    assert (type(error), error.status) == (LLMProviderServiceError, 503)
    assert words in error.message


@pytest.mark.parametrize("last", [(), (ended(None),)], ids=["nothing", "no-reason"])
async def test_g20_a_stream_without_a_reason_ends_in_an_error(upstream: Upstream, last: Any):
    upstream.stream(STARTED, event("content-delta", content={"text": "a"}), *last, done=False)

    assert (await failure_of(upstream, is_stream=True)).code == "stream_cut"


# Requests


async def test_a_chat_in_coheres_words(upstream: Upstream):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    tool = {"type": "function", "function": {"name": "f", "description": "d", "strict": True}}
    request = ChatRequest(
        model="command-a-03-2025",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"}, picture], "name": "ada"},
            {"role": "tool", "tool_call_id": "f_0", "content": [{"type": "document", "document": {"data": "ok"}}]},
        ],
        temperature=0.1, top_p=0.9, max_tokens=7, stop="END", seed=3, presence_penalty=0.1, tools=[tool],
        tool_choice="required", user="u", parallel_tool_calls=True, reasoning_effort="high", extra={"k": 5},
    )  # fmt: skip

    await answer_to(upstream, message(content="ok"), request)

    seen = upstream.seen[0]
    assert (seen.path, seen.headers["authorization"]) == ("/v2/chat", "Bearer test-key-alpha")
    assert seen.json == {
        "model": "command-a-03-2025",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"}, picture]},
            {"role": "tool", "tool_call_id": "f_0", "content": [{"type": "document", "document": {"data": "ok"}}]},
        ],
        "stream": False, "temperature": 0.1, "max_tokens": 7, "presence_penalty": 0.1, "seed": 3, "p": 0.9,
        "stop_sequences": ["END"], "strict_tools": True, "tool_choice": "REQUIRED", "k": 5,
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}},
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("model", "is_asked"), [("command-a-reasoning-08-2025", True), ("command-r7b-12-2024", False)])
async def test_models_that_do_not_think_are_not_asked_to(upstream: Upstream, model: str, is_asked: bool):
    await answer_to(upstream, message(content="a"), ChatRequest(model=model, messages=[USER], reasoning_effort="low"))

    assert ("thinking" in upstream.seen[0].json) is is_asked


async def test_all_pages_of_the_models_are_read(upstream: Upstream):
    upstream.answer(200, {"models": [{"name": "a"}], "next_page_token": "n=="})
    upstream.answer(200, {"models": [{"name": "b"}], "next_page_token": None})

    async with provider_at(upstream) as provider:
        models = await provider.list_models()

    assert [model.name for model in models] == ["a", "b"]
    assert upstream.seen[1].path == "/v1/models?page_size=1000&page_token=n%3D%3D"


async def test_what_cohere_lacks_is_refused_before_any_call(upstream: Upstream):
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    sound = ChatRequest(model="m", messages=[{"role": "user", "content": [part]}])

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.text_completion(CompletionRequest(model="m", prompt="a"))
        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.chat_completion(sound)

    assert upstream.seen == []
