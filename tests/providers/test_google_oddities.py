"""Gemini's answers that no recording holds: every finish reason, part, meter and failure that its API documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

REQUEST = ChatRequest(model="gemini-2.5-flash", messages=[{"role": "user", "content": "Hi"}])


def answer(*parts: Any, reason: Any = "STOP", usage: Any = None, **fields: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0, **fields}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "r1"}


def provider_at(upstream: Upstream) -> LLMProvider:
    return create_provider("google", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0)


async def answer_to(upstream: Upstream, payload: Any, request: ChatRequest = REQUEST) -> ChatResponse:
    upstream.answer(200, payload)
    async with provider_at(upstream) as provider:
        return await provider.chat_completion(request)


async def read_stream(provider: LLMProvider) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(REQUEST)]


async def chunks_of(upstream: Upstream, *pieces: Any) -> list[ChatChunk]:
    upstream.stream(*pieces, done=False)
    async with provider_at(upstream) as provider:
        return await read_stream(provider)


async def failure_of(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    async with provider_at(upstream) as provider:
        asked = read_stream(provider) if is_stream else provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderError) as caught:
            await asked
    return caught.value


def told_reason(chunks: list[ChatChunk]) -> list[str]:
    return [chunk.finish_reason for chunk in chunks if chunk.finish_reason]


# Finish reasons


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("CONTINUATION", "length"),
        ("SAFETY", "content_filter"), ("RECITATION", "content_filter"), ("LANGUAGE", "content_filter"),
        ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"), ("IMAGE_OTHER", "content_filter"), ("ESCALATION", "content_filter"),
        ("MODEL_ARMOR", "content_filter"), ("OTHER", "content_filter"), ("SOMETHING_NEW", "stop"),
    ],
)  # fmt: skip
async def test_finish_reasons_are_the_same_whole_and_streamed(upstream: Upstream, reason: str, expected: str):
    whole = await answer_to(upstream, answer({"text": "a"}, reason=reason))
    chunks = await chunks_of(upstream, answer({"text": "a"}, reason=None), answer(reason=reason))

    assert (whole.finish_reason, told_reason(chunks)) == (expected, [expected])


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("MALFORMED_FUNCTION_CALL", LLMProviderServiceError), ("UNEXPECTED_TOOL_CALL", LLMProviderServiceError),
        ("TOO_MANY_TOOL_CALLS", LLMProviderServiceError), ("MISSING_THOUGHT_SIGNATURE", LLMProviderServiceError),
        ("MALFORMED_RESPONSE", LLMProviderServiceError), ("NO_IMAGE", LLMProviderServiceError),
        ("PUP_LIMITED_DISABLED", LLMProviderAuthenticationError),
    ],
)  # fmt: skip
async def test_an_answer_that_the_model_spoiled_is_raised(
    upstream: Upstream, reason: str, expected: type[LLMProviderError], is_stream: bool
):
    upstream.answer(200, answer(reason=reason))

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.code) == (expected, reason)
    assert reason in error.message


async def test_older_models_repeat_stop_with_every_piece_and_the_last_reason_counts(upstream: Upstream):
    call = {"functionCall": {"name": "f", "args": {}}}

    cut_short = await chunks_of(upstream, answer({"text": "a"}), answer({"text": "b"}, reason="MAX_TOKENS"))
    called = await chunks_of(upstream, answer({"text": "a"}), answer(call))

    assert ("".join(chunk.text for chunk in cut_short), told_reason(cut_short)) == ("ab", ["length"])
    assert told_reason(called) == ["tool_calls"]


@pytest.mark.parametrize("feedback", [{"blockReason": "SAFETY"}, {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": None}])  # fmt: skip
@pytest.mark.parametrize("candidates", [None, []])
async def test_a_blocked_prompt_is_an_empty_filtered_answer(upstream: Upstream, feedback: Any, candidates: Any):
    payload = {"promptFeedback": feedback, "candidates": candidates, "usageMetadata": {"promptTokenCount": 4}}

    whole = await answer_to(upstream, payload)
    chunks = await chunks_of(upstream, payload)

    assert (whole.text, whole.finish_reason, whole.usage) == ("", "content_filter", Usage(input_tokens=4))
    assert (told_reason(chunks), chunks[-1].usage) == (["content_filter"], Usage(input_tokens=4))


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("payload", [{}, {"candidates": []}, {"candidates": None, "promptFeedback": {}}])
async def test_an_answer_without_a_candidate_is_an_error(upstream: Upstream, payload: Any, is_stream: bool):
    upstream.answer(200, payload)

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.retryable) == (LLMProviderServiceError, True)


# Parts


PARTS = [
    {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
    {"text": "A", "thought": None},
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {}}},
    {"somethingNew": {"text": "no"}},
    {"text": None},
    None,
    {"text": "B", "thoughtSignature": "c2ln"},
]


async def test_only_text_is_text(upstream: Upstream):
    whole = await answer_to(upstream, answer(*PARTS))
    chunks = await chunks_of(upstream, *(answer(part, reason=None) for part in PARTS), answer())

    assert (whole.text, whole.reasoning, whole.tool_calls, whole.finish_reason) == ("AB", "hm", [], "stop")
    assert ("".join(chunk.text for chunk in chunks), "".join(chunk.reasoning for chunk in chunks)) == ("AB", "hm")


@pytest.mark.parametrize(
    ("args", "expected"),
    [({"x": 1}, '{"x":1}'), ('{"x":1}', '{"x":1}'), (None, "{}"), ({}, "{}"), ("", "{}")],
)
async def test_arguments_are_json_text_however_they_come(upstream: Upstream, args: Any, expected: str):
    part = {"functionCall": {"id": 7, "name": "f", "args": args}}

    whole = await answer_to(upstream, answer(part))
    chunks = await chunks_of(upstream, answer(part))

    assert [(call.id, call.arguments) for call in whole.tool_calls] == [("7", expected)]
    assert [piece.arguments for chunk in chunks for piece in chunk.tool_calls] == [expected]


async def test_parallel_calls_of_one_function_keep_apart_and_find_their_results(upstream: Upstream):
    parts = [{"functionCall": {"name": "f", "args": {"x": at}}} for at in range(2)]
    whole = await answer_to(upstream, answer(*parts))
    said = whole.to_openai()["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.arguments} for call in whole.tool_calls]

    await answer_to(upstream, answer({"text": "ok"}), ChatRequest(model="gemini-2.5-flash", messages=[said, *results]))

    contents = upstream.seen[-1].json["contents"]
    assert len({call.id for call in whole.tool_calls}) == 2
    assert contents[0]["parts"] == parts
    assert [part["functionResponse"] for part in contents[1]["parts"]] == [
        {"name": "f", "response": {"x": 0}},
        {"name": "f", "response": {"x": 1}},
    ]


async def test_an_event_that_holds_an_array_is_read_piece_by_piece(upstream: Upstream):
    chunks = await chunks_of(upstream, [answer({"text": "a"}, reason=None), answer({"text": "b"})])

    assert "".join(chunk.text for chunk in chunks) == "ab"


# Usage


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(input_tokens=9)),
        ({"promptTokenCount": 9, "thoughtsTokenCount": 5, "totalTokenCount": 14}, Usage(input_tokens=9, reasoning_tokens=5)),
        (
            {"promptTokenCount": 9, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 3, "candidatesTokenCount": 2},
            Usage(input_tokens=8, cached_input_tokens=4, output_tokens=2),
        ),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": None, "cachedContentTokenCount": None, "promptTokensDetails": []},
            Usage(input_tokens=9),
        ),
        (None, None),
    ],
    ids=["no-candidates", "thoughts", "cache-and-tools", "nulls", "nothing"],
)  # fmt: skip
async def test_g02_meters(upstream: Upstream, told: Any, expected: Usage | None):
    whole = await answer_to(upstream, answer({"text": "a"}, usage=told))
    chunks = await chunks_of(
        upstream, answer({"text": "a"}, usage={"promptTokenCount": 9}, reason=None), answer(usage=told)
    )

    assert whole.usage == expected
    assert [chunk.usage for chunk in chunks if chunk.usage] == [expected or Usage(input_tokens=9)]


async def test_g02_a_growing_count_is_counted_once(upstream: Upstream):
    growing = [{"promptTokenCount": 9, "candidatesTokenCount": count} for count in (1, 3, 7)]
    pieces = [answer({"text": "a"}, usage=usage, reason=None) for usage in growing]

    chunks = await chunks_of(upstream, *pieces, answer(usage={"thoughtsTokenCount": 2}))

    assert [chunk.usage for chunk in chunks if chunk.usage] == [
        Usage(input_tokens=9, output_tokens=7, reasoning_tokens=2)
    ]


# Failures


def failure_body(code: int, status: str, message: str = "No.", *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (400, "INVALID_ARGUMENT", LLMProviderInvalidRequestError),
        (401, "UNAUTHENTICATED", LLMProviderAuthenticationError),
        (403, "PERMISSION_DENIED", LLMProviderAuthenticationError),
        (404, "NOT_FOUND", LLMProviderModelError),
        (429, "RESOURCE_EXHAUSTED", LLMProviderRateLimitError),
        (499, "CANCELLED", LLMProviderServiceError),
        (500, "INTERNAL", LLMProviderServiceError),
        (503, "UNAVAILABLE", LLMProviderServiceError),
        (504, "DEADLINE_EXCEEDED", LLMProviderTimeoutError),
    ],
)
@pytest.mark.parametrize("shape", ["body", "array", "inside-a-stream", "array-inside-a-stream"])
async def test_each_status_is_its_class_wherever_it_comes(
    upstream: Upstream, code: int, status: str, expected: type[LLMProviderError], shape: str
):
    body: Any = failure_body(
        code, status, "No.", {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "q1"}
    )
    body = [body] if shape.startswith("array") else body
    is_stream = shape.endswith("stream")
    if is_stream:
        upstream.stream(answer({"text": "a"}, reason=None), body, done=False)
    else:
        upstream.answer(code, body)

    error = await failure_of(upstream, is_stream=is_stream)

    assert type(error) is expected
    assert (error.status, error.code, error.message, error.request_id) == (code, status, "No.", "q1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><title>502</title>", "502"),
        (b"", "no explanation"),
        (b'{"error": null}', "null"),
        (b"[]", "[]"),
    ],
)
async def test_whatever_a_failure_says_its_status_stays(upstream: Upstream, body: bytes, words: str):
    upstream.answer(503, body, headers={"retry-after": "7"})

    error = await failure_of(upstream)

    assert (type(error), error.status, error.retry_after_s) == (LLMProviderServiceError, 503, 7)
    assert words in error.message


async def test_a_limit_of_a_day_tells_its_wait(upstream: Upstream):
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
        None,
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38.074824224s"},
    ]
    upstream.answer(429, failure_body(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", *details))

    error = await failure_of(upstream)

    assert (type(error), error.retry_after_s) == (LLMProviderRateLimitError, 38.074824224)


@pytest.mark.parametrize("cut_after", [0, 1])
async def test_g20_a_stream_without_a_reason_ends_in_an_error(upstream: Upstream, cut_after: int):
    upstream.stream(*[answer({"text": "a"}, reason=None)][:cut_after], done=False)

    assert (await failure_of(upstream, is_stream=True)).code == "stream_cut"


# Requests


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "models/gemini-2.5-flash"])
async def test_the_key_goes_in_its_header_alone_and_the_model_in_the_path_once(upstream: Upstream, model: str):
    await answer_to(upstream, answer({"text": "a"}), ChatRequest(model=model, messages=REQUEST.messages))

    seen = upstream.seen[0]
    assert seen.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert (seen.headers["x-goog-api-key"], "authorization" in seen.headers) == ("test-key-alpha", False)
    assert "test-key-alpha" not in seen.path + json.dumps(seen.json)


async def test_all_pages_of_the_models_are_read(upstream: Upstream):
    upstream.answer(200, {"models": [{"name": "models/a"}], "nextPageToken": "n/1=="})
    upstream.answer(200, {"models": [{"name": "models/b"}]})

    async with provider_at(upstream) as provider:
        models = await provider.list_models()

    assert [model.name for model in models] == ["a", "b"]
    assert upstream.seen[1].path == "/v1beta/models?pageSize=1000&pageToken=n%2F1%3D%3D"


async def test_text_completions_are_refused_before_any_call(upstream: Upstream):
    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.text_completion(CompletionRequest(model="m", prompt="a"))

    assert upstream.seen == []
