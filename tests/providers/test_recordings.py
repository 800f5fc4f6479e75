"""Replays recorded provider traffic over real HTTP and compares what we send and what we make of the answer."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from providers import (
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers import anthropic_requests, cohere_requests, google_requests, ollama_requests
from tests.providers.recordings import FOLDERS, Recording, load, recordings_dir
from tests.providers.upstream import Upstream

KEY = "test-key-alpha"
FINISH_REASONS = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length", "max_tokens": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls", "tool_call": "tool_calls",
    "complete": "stop", "eos_token": "stop",
}  # fmt: skip
ERROR_BY_STATUS = {
    400: LLMProviderInvalidRequestError,
    401: LLMProviderAuthenticationError,
    404: LLMProviderModelError,
    422: LLMProviderInvalidRequestError,
    429: LLMProviderRateLimitError,
    500: LLMProviderServiceError,
    503: LLMProviderServiceError,
    529: LLMProviderServiceError,
}
AUTH_HEADERS = {
    "anthropic": ("x-api-key", KEY), "google": ("x-goog-api-key", KEY), "azure": ("api-key", KEY),
    "portkey": ("x-portkey-api-key", KEY),
}  # fmt: skip

RECORDINGS = load()


def of(*apis: str, is_failure: bool = False, is_stream: bool | None = None) -> list[Any]:
    chosen = [
        recording
        for recording in RECORDINGS
        if recording.api in apis
        and recording.is_failure is is_failure
        and (is_stream is None or recording.is_stream is is_stream)
    ]
    return [pytest.param(recording, id=recording.name) for recording in chosen]


CHATS = (
    "openai.chat", "anthropic.messages", "ollama.chat", "cohere.chat", "gemini.generateContent",
    "gemini.streamGenerateContent",
)  # fmt: skip


@pytest.fixture
def replay(upstream: Upstream):
    """A provider whose server gives the recorded answer byte for byte."""

    def replay(recording: Recording) -> LLMProvider:
        answer = recording.response
        upstream.answer(answer["status"], answer["body"].encode(), headers=answer["headers"])
        return create_provider(
            recording.slug,
            api_key=KEY,
            base_url=upstream.base_url + recording.base_path,
            max_retries=0,
            **recording.settings,
        )

    return replay


def test_the_recordings_are_there():
    if not recordings_dir().is_dir():
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"CI needs the recordings, and {recordings_dir()} is not there. Set RECORDINGS_DIR.")
        pytest.skip(f"no recordings: {recordings_dir()} is not there, and RECORDINGS_DIR names no other folder")

    assert {recording.slug for recording in RECORDINGS} == set(FOLDERS.values())


@pytest.mark.parametrize("recording", of(*CHATS, is_stream=False))
async def test_a_recorded_chat_is_read_as_recorded(recording: Recording, replay, upstream: Upstream):
    async with replay(recording) as provider:
        response = await provider.chat_completion(recording.request())

    check_what_was_sent(recording, upstream)
    expect = recording.expect
    assert response.text == expect["text"]
    assert response.reasoning == expect.get("reasoning_text", "")
    assert response.finish_reason == expected_reason(expect)
    assert called(response.tool_calls) == expected_calls(expect)
    assert response.model == expect.get("model", recording.sent.get("model"))
    assert response.id == expect.get("response_id", "")
    check_usage(recording, response.usage)
    check_cost(recording, response.cost_usd)
    assert response.to_openai()["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize("recording", of(*CHATS, is_stream=True))
async def test_a_recorded_stream_is_read_as_recorded(recording: Recording, replay, upstream: Upstream):
    async with replay(recording) as provider:
        chunks = [chunk async for chunk in provider.chat_completion_stream(recording.request())]

    check_what_was_sent(recording, upstream)
    expect = recording.expect
    reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert "".join(chunk.text for chunk in chunks) == expect["text"]
    assert "".join(chunk.reasoning for chunk in chunks) == expect.get("reasoning_text", "")
    assert reasons == [expected_reason(expect)]
    assert collected(chunks) == expected_calls(expect)
    assert len(usages) == ("input_tokens" in expect)
    check_usage(recording, usages[-1] if usages else None)
    check_cost(recording, next((chunk.cost_usd for chunk in chunks if chunk.cost_usd), None))


@pytest.mark.parametrize("recording", of(*CHATS, "openai.completions", "openai.embeddings", is_failure=True))
async def test_a_recorded_failure_becomes_the_right_error(recording: Recording, replay, upstream: Upstream):
    request, expect = recording.request(), recording.expect

    async with replay(recording) as provider:
        with pytest.raises(LLMProviderError) as caught:
            await call(provider, recording, request)

    check_what_was_sent(recording, upstream)
    error, said = caught.value, expected_words(recording)
    assert type(error) is expected_error(expect, said)
    assert error.status == expected_status(expect, said)
    assert error.message == said.get("message", words_of_page(recording))
    assert error.request_id == expected_request_id(recording)
    waits = {"retry_after": 1, "retry_after_ms": 1000, "retry_delay": 1}
    waited = [float(str(said[name]).rstrip("s")) / unit for name, unit in waits.items() if name in said]
    assert error.retry_after_s == (waited[0] if waited else None)
    assert (error.provider, error.model) == (recording.slug, request.model)
    if "x_should_retry" in said:
        assert error.retryable is (said["x_should_retry"] == "true")


@pytest.mark.parametrize("recording", of("openai.completions", is_stream=False))
async def test_a_recorded_text_completion_is_read_as_recorded(recording: Recording, replay, upstream: Upstream):
    async with replay(recording) as provider:
        response = await provider.text_completion(recording.request())

    check_what_was_sent(recording, upstream)
    assert response.text == recording.expect["text"]
    assert response.finish_reason == FINISH_REASONS[recording.expect["finish_reason"]]
    check_usage(recording, response.usage)


@pytest.mark.parametrize("recording", of("openai.completions", is_stream=True))
async def test_a_recorded_stream_of_a_text_completion_is_read_as_recorded(
    recording: Recording, replay, upstream: Upstream
):
    async with replay(recording) as provider:
        chunks = [chunk async for chunk in provider.text_completion_stream(recording.request())]

    check_what_was_sent(recording, upstream)
    assert "".join(chunk.text for chunk in chunks) == recording.expect["text"]
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [
        FINISH_REASONS[recording.expect["finish_reason"]]
    ]


@pytest.mark.parametrize("recording", of("openai.embeddings", "gemini.batchEmbedContents"))
async def test_recorded_embeddings_are_read_as_recorded(recording: Recording, replay, upstream: Upstream):
    async with replay(recording) as provider:
        response = await provider.embed(recording.request())

    check_what_was_sent(recording, upstream)
    expect = recording.expect
    assert len(response.embeddings) == expect["count"]
    assert len(response.embeddings[0]) == expect["dimensions"]
    assert response.embeddings[0][:4] == pytest.approx(expect["first_values"], abs=1e-6)
    check_usage(recording, response.usage)


@pytest.mark.parametrize("recording", of("openai.models", "gemini.models"))
async def test_a_recorded_model_list_is_read_as_recorded(recording: Recording, replay, upstream: Upstream):
    async with replay(recording) as provider:
        models = await provider.list_models()

    names = [name.removeprefix("models/") for name in recording.expect["first_ids"]]
    assert (upstream.seen[0].method, upstream.seen[0].path.partition("?")[0]) == ("GET", recording.path)
    assert len(models) == recording.expect["count"]
    assert [model.name for model in models][: len(names)] == names


async def call(provider: LLMProvider, recording: Recording, request: Any) -> None:
    if recording.api == "openai.embeddings":
        await provider.embed(request)
    elif recording.api == "openai.completions":
        await provider.text_completion(request)
    elif recording.is_stream:
        async for _ in provider.chat_completion_stream(request):
            pass
    else:
        await provider.chat_completion(request)


def check_what_was_sent(recording: Recording, upstream: Upstream) -> None:
    assert len(upstream.seen) == 1
    seen = upstream.seen[0]
    name, value = AUTH_HEADERS.get(recording.slug, ("authorization", f"Bearer {KEY}"))
    assert seen.method == recording.data["request"]["method"]
    check_where(recording, seen.path)
    assert seen.headers[name] == value
    for header, sent in recording.headers().items():
        assert set(sent.split(",")) <= set(seen.headers[header].split(","))
    if recording.slug == "anthropic":
        assert seen.headers["anthropic-version"] == recording.data["request"]["headers"]["anthropic-version"]
    if recording.is_stream and recording.slug != "google":
        assert seen.json["stream"] is True
    assert comparable(recording, seen.json) == comparable(recording, recording.sent)
    for name, value in recording.settings.items() if recording.slug == "portkey" else ():
        assert seen.headers[f"x-portkey-{name.replace('_', '-')}"] == value


def check_where(recording: Recording, path: str) -> None:
    """Azure's calls carry a version, which some recordings lack; one was sent where Azure has nothing."""
    if recording.slug != "azure":
        assert path == recording.path
        return
    path, _, query = path.partition("?")
    assert path == recording.path or recording.path == "/chat/completions"
    assert query == f"api-version={recording.settings['api_version'] or '2024-10-21'}"


def comparable(recording: Recording, body: dict[str, Any]) -> dict[str, Any]:
    if recording.api == "anthropic.messages":
        return anthropic_requests.comparable(body)
    if recording.api == "ollama.chat":
        return ollama_requests.comparable(body)
    if recording.api == "cohere.chat":
        return cohere_requests.comparable(body)
    if recording.slug == "google":
        return google_requests.comparable(body)
    ignored = {"stream", "stream_options"} | ({"model"} if "model" not in recording.data["request"]["json"] else set())
    return {name: value for name, value in body.items() if name not in ignored and value is not None}


def check_usage(recording: Recording, usage: Any) -> None:
    expect = recording.expect
    if "input_tokens" not in expect:
        assert usage is None
        return
    cached, written = expect.get("cached_tokens", 0), expect.get("cache_write_tokens", 0)
    reasoning = expect.get("reasoning_tokens", 0)
    apart = cached + written if recording.api == "anthropic.messages" else 0
    apart += expect["usage"].get("toolUsePromptTokenCount", 0)
    thought = reasoning if recording.slug == "google" else 0
    if recording.slug == "portkey":  # it leaves other vendors' cached tokens and reasoning out of all but the total
        beyond = expect["usage"]["total_tokens"] - expect["input_tokens"] - expect.get("output_tokens", 0)
        apart, thought = (cached if beyond == cached else 0), (reasoning if beyond == reasoning else 0)
        assert usage.total_tokens == expect["usage"]["total_tokens"]
    assert usage.total_input_tokens == expect["input_tokens"] + apart
    assert usage.total_output_tokens == expect.get("output_tokens", 0) + thought
    assert (usage.cached_input_tokens, usage.cache_write_tokens) == (cached, written)
    assert usage.reasoning_tokens == reasoning


def check_cost(recording: Recording, cost_usd: str | None) -> None:
    expected = recording.expect.get("cost")
    assert (None if cost_usd is None else float(cost_usd)) == expected


def called(calls: Any) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


def collected(chunks: Any) -> list[tuple[str, Any]]:
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for piece in (piece for chunk in chunks for piece in chunk.tool_calls):
        names[piece.index] = names.get(piece.index, "") + (piece.name or "")
        arguments[piece.index] = arguments.get(piece.index, "") + piece.arguments
    return [(names[index], json.loads(arguments[index])) for index in sorted(names)]


def expected_calls(expect: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["name"], call["arguments"]) for call in expect["tool_calls"]]


def expected_reason(expect: dict[str, Any]) -> str:
    """Gemini says that an answer stopped also where it ends in tool calls."""
    reason = FINISH_REASONS[expect.get("finish_reason", "stop").lower()]
    return "tool_calls" if reason == "stop" and expect["tool_calls"] else reason


def expected_words(recording: Recording) -> dict[str, Any]:
    """What the vendor said. Cohere's own failures stand in the last event of a stream."""
    expect = recording.expect
    if expect.get("finish_reason") == "ERROR":
        events = [
            json.loads(line[6:]) for line in recording.response["body"].splitlines() if line.startswith("data: {")
        ]
        return {"message": events[-1]["delta"]["error"]}
    words: dict[str, Any] = expect["error"] if "error" in expect else expect["stream_error"]
    return words


def words_of_page(recording: Recording) -> str:
    """What a body without an error object says: the page itself, which Portkey puts into a field."""
    body = str(recording.response["body"])
    return str(json.loads(body)["html-message"]) if recording.slug == "portkey" and "html-message" in body else body


def expected_status(expect: dict[str, Any], said: dict[str, Any]) -> int:
    """The answer's, but that of the words for a failure that Azure reports with 200."""
    stated = said.get("type")
    status: int = stated if expect["status"] == 200 and isinstance(stated, int) else expect["status"]
    return status


def expected_error(expect: dict[str, Any], said: dict[str, Any]) -> type[LLMProviderError]:
    """By status, but where the words say more; an error inside a stream has no status of its own."""
    message = said.get("message", "")
    if "credit balance is too low" in message:
        return LLMProviderResourceExhaustedError
    if "API key not valid" in message:
        return LLMProviderAuthenticationError
    return ERROR_BY_STATUS.get(expected_status(expect, said), LLMProviderServiceError)


def expected_request_id(recording: Recording) -> str | None:
    headers = recording.response["headers"]
    named = (headers.get(name) for name in ("x-request-id", "request-id", "apim-request-id"))
    return next(filter(None, named), recording.expect.get("error", {}).get("request_id"))
