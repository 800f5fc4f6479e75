"""What Hugging Face's router answers, where the recordings don't say."""

from __future__ import annotations

from typing import Any

import pytest

from providers import (
    ChatRequest,
    LLMConfig,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from providers.huggingface.connector import read_words
from tests.providers.upstream import Upstream

REQUEST = ChatRequest(model="org/name:groq", messages=[{"role": "user", "content": "Hi"}])
ANSWER = {"choices": [{"message": {"content": "pong"}, "finish_reason": "eos_token"}]}


def provider_at(upstream: Upstream, **options: Any) -> LLMProvider:
    return create_provider(
        "huggingface", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0, **options
    )


async def failure(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    async def ask(provider: LLMProvider) -> None:
        if is_stream:
            [_ async for _ in provider.chat_completion_stream(REQUEST)]
        else:
            await provider.chat_completion(REQUEST)

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderError) as caught:
            await ask(provider)
    return caught.value


async def test_the_inner_provider_stays_in_the_models_name_and_an_organization_pays(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream, bill_to="my-org") as provider:
        await provider.chat_completion(REQUEST)

    seen = upstream.seen[0]
    assert seen.json["model"] == "org/name:groq"
    assert (seen.headers["x-hf-bill-to"], seen.headers["authorization"]) == ("my-org", "Bearer test-key-alpha")


async def test_a_stream_without_spaces_and_end_marker_is_whole(upstream: Upstream):
    lines = [
        b'data:{"id":"","choices":[{"index":0,"delta":{"role":"assistant","content":"po"},"finish_reason":null}]}\n\n',
        b'data:{"id":"","choices":[{"index":0,"delta":null,"finish_reason":null}]}\n\n',
        b'data:{"id":"","choices":[{"index":0,"delta":{"content":"ng"},"finish_reason":"eos_token"}]}\n\n',
        b'data:{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n',
    ]
    upstream.answer(200, pieces=lines, headers={"content-type": "text/event-stream"})

    async with provider_at(upstream) as provider:
        chunks = [chunk async for chunk in provider.chat_completion_stream(REQUEST)]

    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=1)]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_calls_with_a_number_as_id_and_an_object_as_arguments_are_read(upstream: Upstream, is_stream: bool):
    call = {"id": 0, "type": "function", "function": {"name": "weather", "arguments": {"city": "Köln"}}}
    if is_stream:
        upstream.stream(
            {"choices": [{"delta": {"tool_calls": [call | {"index": 0}]}}]},
            {"choices": [{"delta": {}, "finish_reason": "eos_token"}]},
            done=False,
        )
    else:
        upstream.answer(200, {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "eos_token"}]})

    async with provider_at(upstream) as provider:
        if is_stream:
            chunks = [chunk async for chunk in provider.chat_completion_stream(REQUEST)]
            [found] = [piece for chunk in chunks for piece in chunk.tool_calls]
            reason = chunks[-1].finish_reason
        else:
            response = await provider.chat_completion(REQUEST)
            [found], reason = response.tool_calls, response.finish_reason

    assert (found.id, found.name, found.arguments) == ("0", "weather", '{"city":"Köln"}')
    assert reason == "tool_calls"


async def test_a_model_that_is_loading_says_how_long(upstream: Upstream):
    upstream.answer(503, {"error": "Model org/name is currently loading", "estimated_time": 22.3})

    error = await failure(upstream)

    assert isinstance(error, LLMProviderServiceError)
    assert (error.status, error.retry_after_s, error.message) == (503, 22.3, "Model org/name is currently loading")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (402, {"error": "You have exceeded your monthly included credits."}, LLMProviderResourceExhaustedError),
        (422, {"error": ["Input validation error: inputs", "more"]}, LLMProviderInvalidRequestError),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, LLMProviderInvalidRequestError),
        (422, {"error": "Input validation error", "error_type": "validation"}, LLMProviderInvalidRequestError),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, LLMProviderRateLimitError),
        (
            400,
            {"error": {"message": "Not supported by any provider you have enabled.", "code": "model_not_supported"}},
            LLMProviderModelError,
        ),
    ],
)
async def test_failures_keep_their_status(
    upstream: Upstream, status: int, body: dict[str, Any], kind: type[LLMProviderError]
):
    upstream.answer(status, body)

    error = await failure(upstream)

    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("validation", LLMProviderInvalidRequestError),
        ("overloaded", LLMProviderRateLimitError),
        ("generation", LLMProviderServiceError),
    ],
)
async def test_a_failure_within_a_stream_is_told_by_its_type(
    upstream: Upstream, word: str, kind: type[LLMProviderError]
):
    upstream.stream({"error": "It broke.", "error_type": word}, done=False)

    error = await failure(upstream, is_stream=True)

    assert (type(error), error.message, error.code) == (kind, "It broke.", word)


async def test_a_limit_says_when_it_ends(upstream: Upstream):
    upstream.answer(429, {"error": "Too many requests"}, headers={"x-ratelimit-reset": "12"})

    assert (await failure(upstream)).retry_after_s == 12


@pytest.mark.parametrize("wait", ["soon", True, -1, 1e9, None])
def test_a_wait_that_is_none_is_passed_over(wait: Any):
    complaint = read_words({"error": "Loading", "estimated_time": wait})

    assert complaint is not None
    assert complaint.retry_after_s is None


@pytest.mark.parametrize("payload", [None, [], "text", {}])
def test_a_body_without_words_holds_no_complaint(payload: Any):
    assert read_words(payload) is None


async def test_messages_that_are_no_messages_are_left_for_the_vendor_to_refuse(upstream: Upstream):
    upstream.answer(422, b"Failed to deserialize the JSON body into the target type: expected a sequence")

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError, match="expected a sequence"):
            await provider.chat_completion(ChatRequest(model="m", messages="Hi"))  # type: ignore[arg-type]


async def test_documents_are_refused_before_any_call(upstream: Upstream):
    request = ChatRequest(model="m", messages=[{"role": "user", "content": [{"type": "file", "file": {}}]}])

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError, match="documents"):
            await provider.chat_completion(request)

    assert upstream.seen == []


def test_the_vendors_own_variable_is_read_too():
    config = LLMConfig.from_env({"HF_TOKEN": "test-key-beta"})

    assert config.providers["huggingface"].api_key == "test-key-beta"


def test_prices_are_known_for_named_inner_providers_only():
    provider = create_provider("huggingface", api_key="test-key-alpha")

    assert provider.models.find("openai/gpt-oss-120b:groq") is not None
    assert provider.models.find("openai/gpt-oss-120b") is None
    assert provider.supports_model("openai/gpt-oss-120b")
