"""Portkey's headers and statuses, where the recordings don't say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmadmin.catalog.origin import origin_of
from providers import (
    ChatRequest,
    LLMConfig,
    LLMProviderConfig,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

KEY = "test-key-alpha"
USER = {"role": "user", "content": "Hi"}
REQUEST = ChatRequest(model="gpt-4.1-mini", messages=[USER])
ANSWER = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}


def provider_at(upstream: Upstream, **options: Any) -> LLMProvider:
    return create_provider("portkey", api_key=KEY, base_url=upstream.base_url, max_retries=0, **options)


async def test_the_options_go_as_headers(upstream: Upstream):
    upstream.answer(200, ANSWER)
    options = {
        "provider": "@openai-prod", "virtual_key": "vk-1", "config": {"retry": {"attempts": 2}},
        "metadata": {"_user": "Ärda", "n": 1}, "trace_id": "t-1", "custom_host": "https://else.example/v1",
        "request_timeout": 5000, "debug": False, "cache_force_refresh": True, "cache_namespace": "a",
    }  # fmt: skip

    async with provider_at(upstream, **options) as provider:
        await provider.chat_completion(REQUEST)

    headers = {name.removeprefix("x-portkey-"): value for name, value in upstream.seen[0].headers.items()}
    assert headers["api-key"] == KEY
    assert "authorization" not in headers
    assert (headers["provider"], headers["virtual-key"], headers["trace-id"]) == ("@openai-prod", "vk-1", "t-1")
    assert json.loads(headers["config"]) == {"retry": {"attempts": 2}}
    assert json.loads(headers["metadata"]) == {"_user": "Ärda", "n": 1}
    assert (headers["custom-host"], headers["request-timeout"]) == ("https://else.example/v1", "5000")
    assert (headers["debug"], headers["cache-force-refresh"], headers["cache-namespace"]) == ("false", "true", "a")
    assert upstream.seen[0].json == {"model": "gpt-4.1-mini", "messages": [USER]}


async def test_options_that_are_not_set_are_not_sent(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream) as provider:
        await provider.chat_completion(REQUEST)

    assert [name for name in upstream.seen[0].headers if name.startswith("x-portkey")] == ["x-portkey-api-key"]


async def test_a_call_may_replace_all_but_the_key(upstream: Upstream):
    upstream.answer(200, ANSWER)
    own = {"X-Portkey-Trace-Id": "t-2", "x-portkey-metadata": '{"a":1}', "x-portkey-api-key": "stolen"}

    async with provider_at(upstream, trace_id="t-1", provider="openai") as provider:
        await provider.chat_completion(ChatRequest(model="m", messages=[USER], headers=own))

    headers = upstream.seen[0].headers
    assert (headers["x-portkey-trace-id"], headers["x-portkey-metadata"]) == ("t-2", '{"a":1}')
    assert (headers["x-portkey-provider"], headers["x-portkey-api-key"]) == ("openai", KEY)


@pytest.mark.parametrize(
    "config", [{"targets": [{"custom_host": "https://else.example"}]}, '{"customHost": "https://else.example"}']
)
async def test_a_host_within_a_config_is_refused_since_nothing_would_lock_the_key(upstream: Upstream, config: Any):
    async with provider_at(upstream, config=config) as provider:
        with pytest.raises(LLMProviderInvalidRequestError, match="custom_host"):
            await provider.chat_completion(REQUEST)

    assert upstream.seen == []


def test_the_custom_host_is_part_of_where_the_key_goes():
    here = LLMProviderConfig(kind="portkey", options={"custom_host": "https://a.example/v1"})
    there = LLMProviderConfig(kind="portkey", options={"custom_host": "https://b.example/v1"})

    assert origin_of(here) != origin_of(there)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, LLMProviderTimeoutError),
        (412, LLMProviderResourceExhaustedError),
        (446, LLMProviderInvalidRequestError),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_portkeys_own_statuses_are_kept_and_classed(
    upstream: Upstream, status: int, kind: type[LLMProviderError], is_stream: bool
):
    body = {"error": {"message": "Guardrail checks failed.", "type": "hooks_failed"}, "hook_results": {}}
    upstream.answer(status, body, headers={"x-portkey-trace-id": "t-1"})

    async def ask(provider: LLMProvider) -> None:
        if is_stream:
            [_ async for _ in provider.chat_completion_stream(REQUEST)]
        else:
            await provider.chat_completion(REQUEST)

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderError) as caught:
            await ask(provider)

    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, "hooks_failed", "t-1")


@pytest.mark.parametrize("status", [200, 503])
async def test_a_vendors_page_is_told_in_its_words(upstream: Upstream, status: int):
    upstream.answer(status, {"html-message": "<html><h1>503</h1> no healthy upstream</html>"})

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError) as caught:
            await provider.chat_completion(REQUEST)

    assert (caught.value.status, caught.value.message) == (status, "503 no healthy upstream")


async def test_an_answer_that_a_guardrail_only_objected_to_is_an_answer(upstream: Upstream):
    upstream.answer(246, ANSWER | {"hook_results": {"before_request_hooks": [{"verdict": False}]}})

    async with provider_at(upstream) as provider:
        response = await provider.chat_completion(REQUEST)

    assert response.text == "pong"
    assert response.raw["hook_results"]["before_request_hooks"] == [{"verdict": False}]


@pytest.mark.parametrize("model", ["gpt-5-nano", "@openai-prod/gpt-5-nano"])
async def test_rules_of_models_hold_behind_any_integration(upstream: Upstream, model: str):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream) as provider:
        await provider.chat_completion(ChatRequest(model=model, messages=[USER], max_tokens=9))

    assert upstream.seen[0].json == {"model": model, "messages": [USER], "max_completion_tokens": 9}
    assert provider.supports_model(model)


def test_who_serves_the_calls_may_stand_in_the_environment():
    config = LLMConfig.from_env({"PORTKEY_API_KEY": KEY, "PORTKEY_PROVIDER": "@openai", "PORTKEY_CONFIG": "pc-1"})

    assert dict(config.providers["portkey"].options) == {"provider": "@openai", "config": "pc-1"}
