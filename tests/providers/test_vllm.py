"""A vLLM server's own paths and parameters."""

from __future__ import annotations

from typing import Any

import pytest

from providers import ChatRequest, LLMConfig, LLMProviderModelError, LLMProviderServiceError, create_provider
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VLLM_API_KEY", "VLLM_BASE_URL", "VLLM_DEFAULT_MODEL"):
        monkeypatch.delenv(variable, raising=False)


def provider_at(upstream: Upstream, **settings: Any) -> LLMProvider:
    return create_provider("vllm", base_url=f"{upstream.base_url}/v1", max_retries=0, **settings)


async def test_more_sampling_parameters_go_through_and_no_key_is_sent(upstream: Upstream):
    upstream.answer(200, {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]})
    extra = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}}

    async with provider_at(upstream) as provider:
        await provider.chat_completion(ChatRequest(model="m", messages=[USER], extra=extra))

    assert upstream.seen[0].path == "/v1/chat/completions"
    assert upstream.seen[0].json == {"model": "m", "messages": [USER], **extra}
    assert "authorization" not in upstream.seen[0].headers


async def test_without_a_key_the_engine_itself_is_asked(upstream: Upstream):
    upstream.answer(200, b"")

    async with provider_at(upstream) as provider:
        report = await provider.health_check()

    assert report.is_healthy
    assert [(seen.method, seen.path) for seen in upstream.seen] == [("GET", "/health")]


async def test_an_engine_that_died_is_not_healthy(upstream: Upstream):
    upstream.answer(503, b"")

    async with provider_at(upstream) as provider:
        report = await provider.health_check()

    assert (report.is_healthy, report.step) == (False, "upstream")
    assert [seen.path for seen in upstream.seen] == ["/health"]


async def test_a_proxy_without_the_health_path_is_asked_for_models(upstream: Upstream):
    upstream.answer(404, b"Not Found")
    upstream.answer(200, {"data": []})

    async with provider_at(upstream) as provider:
        report = await provider.health_check()

    assert report.is_healthy
    assert [seen.path for seen in upstream.seen] == ["/health", "/v1/models"]


async def test_a_key_is_tried_where_it_is_looked_at(upstream: Upstream):
    upstream.answer(401, {"error": "Unauthorized"})

    async with provider_at(upstream) as provider:
        report = await provider.health_check("test-key-alpha")

    assert (report.is_healthy, report.step) == (False, "key")
    assert [seen.path for seen in upstream.seen] == ["/v1/models"]


async def test_models_are_discovered_with_their_context(upstream: Upstream):
    upstream.answer(200, {"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "max_model_len": 40960}]})

    async with provider_at(upstream) as provider:
        [model] = await provider.list_models()

    assert (model.name, model.context_window) == ("Qwen/Qwen3-8B", 40960)
    assert provider.supports_model(model.name)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "No such model.", "type": "NotFoundError", "param": None, "code": 404},
        {"error": {"message": "No such model.", "type": "NotFoundError", "param": "model", "code": 404}},
    ],
)
async def test_older_and_newer_errors_are_read(upstream: Upstream, body: dict[str, Any]):
    upstream.answer(404, body)

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderModelError, match=r"No such model\.") as caught:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    assert (caught.value.status, caught.value.code) == (404, "404")


async def test_an_engine_that_dies_in_the_middle_of_a_stream_is_an_error(upstream: Upstream):
    upstream.stream(
        {"choices": [{"index": 0, "delta": {"content": "po"}}]},
        {"error": {"message": "EngineCore died.", "type": "InternalServerError", "code": 500}},
    )

    async with provider_at(upstream) as provider:
        with pytest.raises(LLMProviderServiceError, match="died") as caught:
            [_ async for _ in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert caught.value.status == 500


async def test_a_server_too_old_for_stream_options_is_not_asked_for_usage(upstream: Upstream):
    upstream.stream({"choices": [{"index": 0, "delta": {"content": "pong"}, "finish_reason": "stop"}]})

    async with provider_at(upstream, stream_usage=False) as provider:
        [_ async for _ in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert "stream_options" not in upstream.seen[0].json


def test_an_address_in_the_environment_is_enough():
    config = LLMConfig.from_env({"VLLM_BASE_URL": "http://gpu.example:8000/v1", "VLLM_DEFAULT_MODEL": "m"})

    assert (config.providers["vllm"].base_url, config.default_model) == ("http://gpu.example:8000/v1", "default")
    assert create_provider("vllm").connector.base_url() == "http://127.0.0.1:8000/v1"
