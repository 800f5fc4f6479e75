"""What Mistral takes of OpenAI's dialect, and what it would answer with 422 for."""

from __future__ import annotations

from typing import Any

import pytest

from providers import (
    ChatRequest,
    EmbeddingRequest,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    create_provider,
)
from providers.base.provider import LLMProvider
from providers.mistral.requests import call_id, fit, read_message
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
ANSWER = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}


def provider_at(upstream: Upstream) -> LLMProvider:
    return create_provider("mistral", api_key="test-key-alpha", base_url=upstream.base_url, max_retries=0)


async def sent(upstream: Upstream, **fields: Any) -> dict[str, Any]:
    upstream.answer(200, ANSWER)
    async with provider_at(upstream) as provider:
        await provider.chat_completion(ChatRequest(**{"model": "mistral-small-latest", "messages": [USER], **fields}))
    body: dict[str, Any] = upstream.seen[0].json
    return body


async def test_only_what_mistral_knows_is_sent(upstream: Upstream):
    body = await sent(
        upstream, seed=3, user="u", tools=[WEATHER], tool_choice="required", parallel_tool_calls=False, logprobs=False
    )

    assert body == {
        "model": "mistral-small-latest",
        "messages": [USER],
        "random_seed": 3,
        "tools": [WEATHER],
        "tool_choice": "any",
        "parallel_tool_calls": False,
    }


async def test_a_stream_does_not_ask_for_usage(upstream: Upstream):
    upstream.stream({"choices": [{"delta": {"content": "pong"}, "finish_reason": "stop"}]})

    async with provider_at(upstream) as provider:
        request = ChatRequest(model="m", messages=[USER], seed=1)
        chunks = [chunk async for chunk in provider.chat_completion_stream(request)]

    assert upstream.seen[0].json == {"model": "m", "messages": [USER], "random_seed": 1, "stream": True}
    assert chunks[0].text == "pong"


@pytest.mark.parametrize("wish", [{"logit_bias": {"1": 1}}, {"logprobs": True}, {"top_logprobs": 2}])
async def test_what_mistral_cannot_do_is_refused_before_any_call(upstream: Upstream, wish: dict[str, Any]):
    with pytest.raises(LLMProviderInvalidRequestError, match=next(iter(wish))):
        await sent(upstream, **wish)

    assert upstream.seen == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"role": "assistant", "content": "a", "refusal": None, "reasoning_content": "hm", "tool_calls": []},
            {"role": "assistant", "content": "a"},
        ),
        ({"role": "developer", "content": "a", "name": "b"}, {"role": "system", "content": "a"}),
        ({"role": "assistant", "content": "a", "prefix": True}, {"role": "assistant", "content": "a", "prefix": True}),
        ({"role": "user", "content": None}, {"role": "user", "content": ""}),
        ({"content": "a"}, {"role": "user", "content": "a"}),
        (
            {"role": "tool", "content": "5", "tool_call_id": "abcdefghi", "is_error": False},
            {"role": "tool", "content": "5", "tool_call_id": "abcdefghi"},
        ),
        ({"role": "critic", "content": "a", "mood": 1}, {"role": "critic", "content": "a", "mood": 1}),
    ],
)
def test_messages_hold_only_fields_that_mistral_knows(message: dict[str, Any], expected: dict[str, Any]):
    assert read_message(message) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a", "cache_control": {}}, {"type": "text", "text": "a"}),
        ({"type": "refusal", "refusal": "no"}, {"type": "text", "text": "no"}),
        (
            {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}, "cache_control": {}},
            {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            {"type": "input_audio", "input_audio": "AA"},
        ),
        (
            {"type": "file", "file": {"file_data": "AA", "filename": "a.pdf"}},
            {
                "type": "document_url",
                "document_url": "data:application/pdf;base64,AA",
                "document_name": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"file_data": "https://a.test/b.pdf"}},
            {"type": "document_url", "document_url": "https://a.test/b.pdf"},
        ),
        ({"type": "file", "file": {"file_id": "f1"}}, {"type": "file", "file_id": "f1"}),
        ({"type": "thinking", "thinking": []}, {"type": "thinking", "thinking": []}),
    ],
)
def test_parts(part: dict[str, Any], expected: dict[str, Any]):
    assert read_message({"role": "user", "content": [part]})["content"] == [expected]


def test_ids_of_other_vendors_become_ids_that_mistral_takes_and_still_belong_together():
    foreign = "toolu_01A09q90qw90lq917835lq9"
    turn = {"role": "assistant", "tool_calls": [
        {"id": foreign, "type": "function", "function": {"name": "f", "arguments": {"x": 1}}},
        {"id": 42, "type": "function", "index": 1, "function": {"name": "g"}},
    ]}  # fmt: skip

    asked = read_message(turn)
    told = read_message({"role": "tool", "tool_call_id": foreign, "content": "1"})

    made = asked["tool_calls"][0]["id"]
    assert made == told["tool_call_id"]
    assert (len(made), made.isalnum(), made.isascii()) == (9, True, True)
    assert [call["function"]["arguments"] for call in asked["tool_calls"]] == ['{"x":1}', "{}"]
    assert asked["tool_calls"][1]["index"] == 1
    assert len({call_id(f"call_{number}") for number in range(1000)}) == 1000


def test_tools_of_mistrals_own_go_through_and_functions_always_have_parameters():
    search = {"type": "web_search"}
    bare = {"type": "function", "function": {"name": "bare", "x": 1}, "cache_control": {}}

    fitted = fit(ChatRequest(model="m", messages=[USER], tools=[search, bare]))

    assert fitted.tools == [
        search,
        {"type": "function", "function": {"name": "bare", "parameters": {"type": "object", "properties": {}}}},
    ]


async def test_a_choice_without_tools_is_left_out(upstream: Upstream):
    body = await sent(upstream, tool_choice="auto", parallel_tool_calls=True)

    assert body.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("mistral-small-latest", "low", "high"),
        ("mistral-small-latest", "minimal", "none"),
        ("mistral-medium-3-5", "none", "none"),
        ("mistral-large-4", "medium", "medium"),
        ("mistral-large-4", "xhigh", "high"),
        ("magistral-medium-latest", "high", None),
        ("mistral-large-2512", "high", None),
        ("mistral-small-latest", None, None),
    ],
)
async def test_effort_goes_where_it_is_known(upstream: Upstream, model: str, effort: str | None, expected: str | None):
    assert (await sent(upstream, model=model, reasoning_effort=effort)).get("reasoning_effort") == expected


async def test_vectors_have_the_length_that_was_asked_for(upstream: Upstream):
    upstream.answer(200, {"data": [{"embedding": [0.5], "index": 0}]})

    async with provider_at(upstream) as provider:
        await provider.embed(EmbeddingRequest(model="e", input=["a"], dimensions=1, user="u"))

    assert upstream.seen[0].json == {"model": "e", "input": ["a"], "output_dimension": 1}


async def test_a_limit_says_when_it_is_lifted(upstream: Upstream):
    headers = {"ratelimitbysize-reset": "21", "mistral-correlation-id": "c1"}
    upstream.answer(429, {"message": "Requests rate limit exceeded"}, headers=headers)

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderRateLimitError) as caught:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    assert (caught.value.retry_after_s, caught.value.request_id) == (21.0, "c1")


async def test_unknown_fields_are_named_by_the_vendor(upstream: Upstream):
    detail = {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}
    upstream.answer(422, {"object": "error", "message": detail, "type": "invalid_request_error", "code": None})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderInvalidRequestError, match="Extra inputs are not permitted") as caught:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER], extra={"x": 1}))

    assert caught.value.status == 422


async def test_an_answer_that_ends_in_an_error_is_one(upstream: Upstream):
    upstream.answer(200, {"choices": [{"message": {"content": ""}, "finish_reason": "error"}]})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError):
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))


async def test_models_come_with_their_windows(upstream: Upstream):
    upstream.answer(200, {"data": [{"id": "m", "max_context_length": 32768}]})

    async with provider_at(upstream) as provider:
        models = await provider.list_models()

    assert [(model.name, model.context_window) for model in models] == [("m", 32768)]
