"""Cohere's own dialect, where the recordings don't say."""

from __future__ import annotations

from typing import Any

import pytest

from providers import (
    ChatChunk,
    ChatRequest,
    EmbeddingRequest,
    LLMProviderInvalidRequestError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from providers.cohere.requests import chat_body, embedding_body, read_message
from providers.cohere.wire import MessageStream, chat_response, model_list, usage_of
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
BARE = {"type": "function", "function": {"name": "bare", "strict": True}}
REQUEST = ChatRequest(model="command-a", messages=[USER])


def body_of(*messages: dict[str, Any], settings: Any = None, **fields: Any) -> dict[str, Any]:
    return chat_body(ChatRequest(model="m", messages=messages or [USER], **fields), settings=settings or {})


def provider_at(upstream: Upstream, **options: Any) -> LLMProvider:
    return create_provider("cohere", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0, **options)


async def read_stream(provider: LLMProvider) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(REQUEST)]


def test_a_plain_chat():
    body = body_of(
        {"role": "developer", "content": "Be brief."},
        USER,
        max_tokens=7, temperature=0.5, top_p=0.9, stop="END", seed=3, logprobs=True, presence_penalty=0.1,
        frequency_penalty=0.2, user="u", extra={"k": 5},
    )  # fmt: skip

    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, USER],
        "stream": False,
        "temperature": 0.5, "max_tokens": 7, "presence_penalty": 0.1, "frequency_penalty": 0.2, "seed": 3,
        "p": 0.9, "stop_sequences": ["END"], "logprobs": True, "k": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"role": "assistant", "content": None, "refusal": None, "tool_plan": "I look.", "tool_calls": [
                {"id": 7, "type": "function", "index": 0, "function": {"name": "f", "arguments": {"x": 1}}},
                {"id": "b", "function": {"name": "g", "arguments": ""}},
            ]},
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": [
                {"id": "7", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]},
        ),
        (
            {"role": "tool", "tool_call_id": "7", "content": [{"type": "document", "document": {"data": {"a": 1}}}]},
            {"role": "tool", "tool_call_id": "7", "content": [{"type": "document", "document": {"data": {"a": 1}}}]},
        ),
        ({"role": "tool", "tool_call_id": "7", "content": None}, {"role": "tool", "tool_call_id": "7", "content": ""}),
        (
            {"role": "user", "content": [
                {"type": "text", "text": "a", "cache_control": {}}, {"type": "refusal", "refusal": "no"},
                {"type": "image_url", "image_url": "https://a.test/b.png"},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "a"}, {"type": "text", "text": "no"},
                {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}},
            ]},
        ),
    ],
    ids=["calls", "documents", "nothing", "parts"],
)  # fmt: skip
def test_messages(message: dict[str, Any], expected: dict[str, Any]):
    assert read_message(message) == expected


@pytest.mark.parametrize(
    ("choice", "names", "expected"),
    [
        (None, ["weather", "bare"], None),
        ("auto", ["weather", "bare"], None),
        ("required", ["weather", "bare"], "REQUIRED"),
        ("none", ["weather", "bare"], "NONE"),
        ({"type": "function", "function": {"name": "weather"}}, ["weather"], "REQUIRED"),
        ({"type": "function", "function": {"name": "unknown"}}, ["weather", "bare"], "REQUIRED"),
    ],
)
def test_the_choice_of_tools(choice: Any, names: list[str], expected: str | None):
    body = body_of(tools=[WEATHER, BARE], tool_choice=choice)

    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body.get("tool_choice") == expected


def test_strictness_is_said_once_and_parameters_are_never_missing():
    body = body_of(tools=[WEATHER, BARE], settings={"safety_mode": "STRICT"})

    assert body["strict_tools"] is True
    assert body["tools"][1]["function"] == {"name": "bare", "parameters": {"type": "object", "properties": {}}}
    assert "safety_mode" not in body
    assert body_of(settings={"safety_mode": "STRICT"})["safety_mode"] == "STRICT"


def test_structured_output():
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}

    assert body_of(response_format=wanted)["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert body_of(response_format={"type": "json_object"})["response_format"] == {"type": "json_object"}
    assert "response_format" not in body_of(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("effort", "expected"),
    [
        ("none", {"type": "disabled"}),
        ("low", {"type": "enabled", "token_budget": 1024}),
        ("high", {"type": "enabled"}),
        (None, None),
    ],
)
def test_effort_is_a_budget_of_thinking(effort: str | None, expected: Any):
    assert body_of(reasoning_effort=effort).get("thinking") == expected


def test_several_answers_are_refused():
    with pytest.raises(LLMProviderInvalidRequestError, match="parameter n"):
        body_of(n=2)


def test_embeddings_say_what_they_are_for():
    request = EmbeddingRequest(model="e", input="a", dimensions=256)

    assert embedding_body(request, settings={}) == {
        "model": "e",
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    request.extra["input_type"] = "search_query"
    assert embedding_body(request, settings={"input_type": "clustering"})["input_type"] == "search_query"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"), ("SOMETHING_NEW", "stop"), (None, "stop"),
    ],
)  # fmt: skip
def test_finish_reasons(reason: str | None, expected: str):
    payload = {"message": {"content": "Hi"}, "finish_reason": reason}

    response = chat_response(payload, provider="cohere", model="m")

    assert (response.text, response.finish_reason, response.model) == ("Hi", expected, "m")


def test_calls_with_a_finish_reason_of_none_are_calls():
    call = {"id": 1, "function": {"name": "f", "arguments": {"x": 1}}}

    response = chat_response({"message": {"tool_calls": [call]}, "finish_reason": "COMPLETE"}, provider="c", model="m")

    assert response.finish_reason == "tool_calls"
    assert [(made.id, made.arguments) for made in response.tool_calls] == [("1", '{"x":1}')]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"tokens": {"input_tokens": 9, "output_tokens": 2}, "billed_units": {"input_tokens": 1}, "cached_tokens": 4},
         Usage(input_tokens=5, cached_input_tokens=4, output_tokens=2)),
        ({"billed_units": {"input_tokens": 3, "output_tokens": 1}}, Usage(input_tokens=3, output_tokens=1)),
        ({"tokens": {"input_tokens": 3}, "cached_tokens": 9}, Usage(cached_input_tokens=3)),
        ({}, None),
    ],
)  # fmt: skip
def test_g02_meters_count_what_was_read_and_written(told: dict[str, Any], expected: Usage | None):
    assert usage_of(told) == expected


def tool_start(index: int, name: str, arguments: Any = "") -> dict[str, Any]:
    call = {"id": f"id-{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}


def tool_delta(index: int, arguments: Any) -> dict[str, Any]:
    calls = [{"function": {"arguments": arguments}}]
    return {"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": calls}}}


def ended(**delta: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": delta}


def plan(text: str) -> dict[str, Any]:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}}


def test_streamed_calls_add_up_to_json():
    events = [
        {"type": "message-start", "id": "1"}, plan("I "), plan("look."),
        tool_start(0, "f"), tool_delta(0, '{"x":'), tool_delta(0, "1}"), {"type": "tool-call-end", "index": 0},
        tool_start(1, "g"), {"type": "tool-call-end", "index": 1}, {"type": "tool-call-end", "index": 9},
        tool_start(2, "h", {"y": 2}), tool_delta(2, ""), tool_delta(7, "lost"), tool_start(3, "i"),
        ended(finish_reason="COMPLETE"),
    ]  # fmt: skip
    stream = MessageStream()

    chunks = [chunk for event in events for chunk in stream.take(event)]

    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    arguments = ["".join(piece.arguments for piece in pieces if piece.index == index) for index in range(4)]
    assert [piece.name for piece in pieces if piece.name] == ["f", "g", "h", "i"]
    assert arguments == ['{"x":1}', "{}", '{"y":2}', "{}"]
    assert (chunks[-1].finish_reason, chunks[-1].usage, stream.is_complete) == ("tool_calls", None, True)
    assert chunks[0].raw == plan("I look.")
    assert {chunk.id for chunk in chunks} == {"1"}


def test_thinking_streams_as_reasoning_and_citations_in_raw_alone():
    cited = {"type": "citation-start", "delta": {"message": {"citations": {"text": "5"}}}}
    events = [
        {"type": "content-start", "delta": {"message": {"content": {"type": "thinking", "thinking": "h"}}}},
        {"type": "content-delta", "delta": {"message": {"content": {"thinking": "m"}}}},
        {"type": "content-start", "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "delta": {"message": {"content": {"text": "5"}}}},
        cited,
        {"type": "citation-end"},
        {"type": "something-new"},
    ]
    stream = MessageStream()

    chunks = [chunk for event in events for chunk in stream.take(event)]

    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert "".join(chunk.text for chunk in chunks) == "5"
    assert (chunks[-1].raw, chunks[-1].text) == (cited, "")


async def test_g20_a_call_that_fails_after_its_plan_has_given_nothing_away(upstream: Upstream):
    words = {"error": "invalid tool generation", "error_type": "INVALID_TOOL_GENERATION"}
    upstream.stream({"type": "message-start", "id": "1"}, plan("I look."), ended(finish_reason="ERROR", **words))

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError) as caught:
            await anext(provider.chat_completion_stream(REQUEST))

    error = caught.value
    assert (error.code, error.message, error.status) == ("INVALID_TOOL_GENERATION", "invalid tool generation", 200)


async def test_an_answer_that_ends_in_a_failure_is_one(upstream: Upstream):
    upstream.answer(200, {"id": "1", "message": {"content": []}, "finish_reason": "TIMEOUT"})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderTimeoutError, match="TIMEOUT"):
            await provider.chat_completion(REQUEST)


async def test_a_bare_message_is_a_failure_in_a_body_and_in_a_stream(upstream: Upstream):
    upstream.answer(200, {"message": "internal server error"})
    upstream.stream({"message": "internal server error"})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError, match="internal server error"):
            await provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderServiceError, match="internal server error"):
            await read_stream(provider)


async def test_the_request_id_is_in_coheres_own_header(upstream: Upstream):
    upstream.answer(500, {"message": "no"}, headers={"x-debug-trace-id": "t1"})

    async with provider_at(upstream, client_name="acme") as provider:
        with pytest.raises(LLMProviderServiceError) as caught:
            await provider.chat_completion(REQUEST)

    assert caught.value.request_id == "t1"
    assert upstream.seen[0].headers["x-client-name"] == "acme"


@pytest.mark.parametrize("ending", ["", "/v1", "/v2"])
async def test_vectors(upstream: Upstream, ending: str):
    upstream.answer(200, {"embeddings": {"float": [[0.5, 1], [2, 3]]}, "meta": {"billed_units": {"input_tokens": 2}}})

    async with create_provider("cohere", api_key="k" * 8, base_url=upstream.base_url + ending) as provider:
        response = await provider.embed(EmbeddingRequest(model="e", input=["a", "b"]))

    assert upstream.seen[0].path == "/v2/embed"
    assert (response.embeddings, response.usage) == ([[0.5, 1.0], [2.0, 3.0]], Usage(input_tokens=2))


@pytest.mark.parametrize(
    ("embeddings", "expected"),
    [({"float": None, "int8": [[1, -2]]}, [[1.0, -2.0]]), ([[0.5]], [[0.5]]), ({}, [])],
)
async def test_vectors_of_other_shapes(upstream: Upstream, embeddings: Any, expected: Any):
    upstream.answer(200, {"embeddings": embeddings})

    async with provider_at(upstream) as provider:
        response = await provider.embed(EmbeddingRequest(model="e", input=["a"]))

    assert (response.embeddings, response.usage) == (expected, None)


async def test_a_vector_that_is_none_is_an_unreadable_answer(upstream: Upstream):
    upstream.answer(200, {"embeddings": {"float": ["a"]}})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError, match="vector"):
            await provider.embed(EmbeddingRequest(model="e", input=["a"]))


def test_models_say_what_they_are_for():
    rows = [{"name": "m", "endpoints": ["chat", "generate"], "context_length": 9}, {"name": ""}]

    models = model_list({"models": rows}, provider="cohere")

    assert [(model.name, model.context_window, model.capabilities) for model in models] == [("m", 9, {"chat"})]
