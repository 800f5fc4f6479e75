"""How Gemini's answers become ours, where the recordings don't say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import (
    ChatChunk,
    ChatRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from providers.google.requests import chat_body
from providers.google.wire import ContentStream, chat_response, model_list, usage_of
from tests.providers.recordings import recordings_dir
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
SIGNED = {"google": {"thought_signature": "c2ln"}}


def answer(*parts: Any, **fields: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", "index": 0} | fields
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}


def provider_at(upstream: Upstream, **options: Any):
    return create_provider("google", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0, **options)


CALLS = [{"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"}, {"functionCall": {"name": "g"}}]


def test_calls_without_an_id_get_the_same_one_however_they_are_read():
    response = chat_response(answer(*CALLS), provider="google", model="m")
    stream = ContentStream()
    chunks = [stream.take(answer(part, finishReason=None)) for part in CALLS]

    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(made.id, made.name, made.arguments) for made in response.tool_calls] == [
        ("call_r1_0", "f", '{"x":1}'),
        ("call_r1_1", "g", "{}"),
    ]
    assert [(piece.index, piece.id, piece.name, piece.arguments) for piece in pieces] == [
        (0, "call_r1_0", "f", '{"x":1}'),
        (1, "call_r1_1", "g", "{}"),
    ]
    assert response.finish_reason == "tool_calls"


def test_a_signature_comes_with_its_call_and_goes_back_with_it():
    response = chat_response(answer(*CALLS), provider="google", model="m")
    message = response.to_openai()["choices"][0]["message"]

    assert message["tool_calls"][0]["extra_content"] == SIGNED
    assert "extra_content" not in message["tool_calls"][1]
    request = ChatRequest(model="gemini-3-flash-preview", messages=[USER, message])
    parts = chat_body(request, settings={})["contents"][1]["parts"]
    assert parts[0] == {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"}
    piece = ContentStream().take(answer(CALLS[0])).tool_calls[0]
    assert piece.to_openai()["extra_content"] == SIGNED


def test_ids_of_googles_own_are_kept():
    part = {"functionCall": {"id": "whZ", "name": "f", "args": {}}}

    assert chat_response(answer(part), provider="google", model="m").tool_calls[0].id == "whZ"
    nameless = answer({"functionCall": {"name": "f"}}) | {"responseId": None}
    assert chat_response(nameless, provider="google", model="m").tool_calls[0].id == "call_0"


def test_thoughts_are_reasoning_and_server_tools_are_no_calls_of_ours():
    parts = [{"text": "hm", "thought": True}, {"executableCode": {"code": "1"}}, {"text": "A"}, {"text": "B"}]

    response = chat_response(answer(*parts), provider="google", model="m")

    assert (response.text, response.reasoning, response.tool_calls) == ("AB", "hm", [])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"), ("IMAGE_SAFETY", "content_filter"), ("OTHER", "content_filter"),
        ("SOMETHING_NEW", "stop"), (None, "stop"), (3, "stop"),
    ],
)  # fmt: skip
def test_finish_reasons(reason: Any, expected: str):
    assert (
        chat_response(answer({"text": "a"}, finishReason=reason), provider="google", model="m").finish_reason
        == expected
    )


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}


def test_a_blocked_prompt_is_an_empty_filtered_answer():
    response = chat_response(BLOCKED, provider="google", model="m")
    stream = ContentStream()
    stream.take(BLOCKED)

    assert (response.text, response.finish_reason, response.usage) == ("", "content_filter", Usage(input_tokens=4))
    assert (stream.is_complete, stream.finish().finish_reason) == (True, "content_filter")


def test_only_the_first_candidate_is_read():
    payload = answer({"text": "first"})
    payload["candidates"].insert(0, {"index": 1, "content": {"parts": [{"text": "second"}]}})

    assert chat_response(payload, provider="google", model="m").text == "first"


def test_g02_meters_are_disjoint():
    told = {
        "promptTokenCount": 10, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 3, "candidatesTokenCount": 5,
        "thoughtsTokenCount": 2, "totalTokenCount": 20,
    }  # fmt: skip

    usage = usage_of(told)

    assert usage == Usage(input_tokens=9, cached_input_tokens=4, output_tokens=5, reasoning_tokens=2)
    assert (usage.total_input_tokens, usage.total_output_tokens, usage.total_tokens) == (13, 7, 20)
    assert usage_of({"promptTokenCount": 1, "cachedContentTokenCount": 9}) == Usage(cached_input_tokens=1)


def test_models_are_named_as_calls_name_them():
    rows = [
        {
            "name": "models/gemini-x",
            "inputTokenLimit": 10,
            "outputTokenLimit": 5,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        },
        {"displayName": "nameless"},
    ]

    models = model_list({"models": rows}, provider="google")

    assert [(m.name, m.context_window, m.max_output_tokens, m.capabilities) for m in models] == [
        ("gemini-x", 10, 5, {"chat"})
    ]


# Over the wire


async def test_a_stream_has_one_reason_and_the_last_usage(upstream: Upstream):
    first = answer({"text": "po"}, finishReason=None) | {"usageMetadata": {"promptTokenCount": 9}}
    last = answer({"text": "ng"}) | {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}
    upstream.stream(first, last, answer({"text": ""}), done=False)

    async with provider_at(upstream) as provider:
        chunks = [chunk async for chunk in provider.chat_completion_stream(ChatRequest(model="m/1", messages=[USER]))]

    assert upstream.seen[0].path == "/v1beta/models/m/1:streamGenerateContent?alt=sse"
    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=2)]


@pytest.mark.parametrize("is_array", [True, False])
async def test_a_stream_that_comes_as_one_body_is_read_too(upstream: Upstream, is_array: bool):
    pieces = [answer({"text": "po"}, finishReason=None), answer({"text": "ng"})]
    upstream.answer(200, pieces if is_array else answer({"text": "pong"}))

    async with provider_at(upstream) as provider:
        chunks = [chunk async for chunk in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert "".join(chunk.text for chunk in chunks) == "pong"


async def test_an_end_marker_that_a_proxy_adds_is_no_piece(upstream: Upstream):
    upstream.stream(answer({"text": "pong"}), done=True)

    async with provider_at(upstream) as provider:
        chunks = [chunk async for chunk in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert [chunk.text for chunk in chunks] == ["pong", ""]


ARRAYS = [
    pytest.param(data, id=path.stem)
    for path in sorted((recordings_dir() / "gemini").glob("*.json"))
    if (data := json.loads(path.read_text(encoding="utf-8")))["response"].get("stream_format") == "json-array"
]


@pytest.mark.parametrize("is_array", [True, False], ids=["array", "events"])
@pytest.mark.parametrize("recording", ARRAYS)
async def test_streams_that_were_recorded_as_arrays(upstream: Upstream, recording: dict[str, Any], is_array: bool):
    pieces, expect = json.loads(recording["response"]["body"]), recording["expect"]
    if is_array:
        upstream.answer(200, pieces)
    else:
        upstream.stream(*pieces, done=False)

    async with provider_at(upstream) as provider:
        chunks = await read_stream(provider, ChatRequest(model="m", messages=[USER]))

    usage = chunks[-1].usage
    calls = [(piece.name, json.loads(piece.arguments)) for chunk in chunks for piece in chunk.tool_calls]
    assert "".join(chunk.text for chunk in chunks) == expect["text"]
    assert "".join(chunk.reasoning for chunk in chunks) == expect.get("reasoning_text", "")
    assert calls == [(call["name"], call["arguments"]) for call in expect["tool_calls"]]
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["tool_calls" if calls else "stop"]
    assert usage.total_input_tokens == expect["input_tokens"]
    assert usage.total_output_tokens == expect["output_tokens"] + expect.get("reasoning_tokens", 0)


async def test_a_failure_that_is_no_json_keeps_its_words(upstream: Upstream):
    upstream.answer(502, b"<html><h1>Bad Gateway</h1></html>")

    assert (await failure(upstream)).message == "Bad Gateway"


async def failure(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    request = ChatRequest(model="m", messages=[USER])
    async with provider_at(upstream) as provider:
        asked = read_stream(provider, request) if is_stream else provider.chat_completion(request)
        with pytest.raises(LLMProviderError) as caught:
            await asked
    return caught.value


async def read_stream(provider: LLMProvider, request: ChatRequest) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(request)]


def error_body(code: int, status: str, message: str, *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


QUOTA = error_body(
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan.",
    {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"},
)


@pytest.mark.parametrize("body", [QUOTA, [QUOTA]])
async def test_a_limit_says_its_wait_in_the_body(upstream: Upstream, body: Any):
    upstream.answer(429, body)

    error = await failure(upstream)

    assert type(error) is LLMProviderRateLimitError
    assert (error.status, error.code, error.retry_after_s) == (429, "RESOURCE_EXHAUSTED", 34.5)


async def test_a_limit_inside_a_stream_is_a_limit(upstream: Upstream):
    upstream.stream(answer({"text": "po"}, finishReason=None), QUOTA, done=False)

    error = await failure(upstream, is_stream=True)

    assert type(error) is LLMProviderRateLimitError
    assert (error.status, error.retry_after_s) == (429, 34.5)


async def test_g32_a_wrong_key_is_one_though_google_calls_it_a_bad_request(upstream: Upstream):
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    upstream.answer(400, error_body(400, "INVALID_ARGUMENT", "API key expired.", detail))

    error = await failure(upstream)
    async with provider_at(upstream) as provider:
        report = await provider.health_check()

    assert type(error) is LLMProviderAuthenticationError
    assert (error.status, error.code, report.step) == (400, "API_KEY_INVALID", "key")


async def test_a_prompt_that_is_too_long_is_told_as_such(upstream: Upstream):
    words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    upstream.answer(400, error_body(400, "INVALID_ARGUMENT", words))

    error = await failure(upstream)

    assert type(error) is LLMProviderInvalidRequestError
    assert error.exceeds_context


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_call_that_the_model_spoiled_is_an_error(upstream: Upstream, is_stream: bool):
    payload = answer(finishReason="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: f(")
    upstream.answer(200, payload)

    error = await failure(upstream, is_stream=is_stream)

    assert type(error) is LLMProviderServiceError
    assert (error.code, error.message) == ("MALFORMED_FUNCTION_CALL", "Malformed function call: f(")


async def test_an_answer_without_a_candidate_is_none(upstream: Upstream):
    upstream.answer(200, {"usageMetadata": {"promptTokenCount": 3}})

    assert (await failure(upstream)).code == "unreadable_answer"


async def test_a_base_url_that_ends_in_v1beta_is_taken_too(upstream: Upstream):
    upstream.answer(200, {"embeddings": [{"values": [0.5, 1]}], "usageMetadata": {"promptTokenCount": 2}})

    async with create_provider("google", api_key="k" * 8, base_url=f"{upstream.base_url}/v1beta") as provider:
        response = await provider.embed(EmbeddingRequest(model="e", input=["a"]))

    assert upstream.seen[0].path == "/v1beta/models/e:batchEmbedContents"
    assert (response.embeddings, response.usage) == ([[0.5, 1.0]], Usage(input_tokens=2))


async def test_a_vector_that_is_none_is_an_unreadable_answer(upstream: Upstream):
    upstream.answer(200, {"embeddings": [{"values": ["a"]}]})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError, match="vector"):
            await provider.embed(EmbeddingRequest(model="e", input=["a"]))
