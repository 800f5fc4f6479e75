"""Where Azure's calls go, what opens the door, and the model with behaviour of its own."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from providers import (
    AzureBaseLLM,
    AzureConnector,
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    LLMConfig,
    LLMProviderConfig,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    create_azure_llm,
    create_llm,
    create_provider,
)
from providers.azure.models.gpt41_mini import GPT41MiniLLM, GPT41MiniMetadata
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

KEY = "test-key-alpha"
USER = {"role": "user", "content": "Hi"}
ANSWER = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}
VARIABLES = (
    "AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_BASE_URL", "AZURE_OPENAI_DEPLOYMENT",
    "AZURE_DEFAULT_MODEL", "AZURE_OPENAI_API_VERSION",
)  # fmt: skip


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def provider_at(base_url: str, **options: Any) -> LLMProvider:
    return create_provider("azure", api_key=KEY, base_url=base_url, max_retries=0, **options)


@pytest.mark.parametrize("root", ["", "/", "/openai", "/openai/"])
async def test_a_chat_goes_to_its_deployment_with_a_version(upstream: Upstream, root: str):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream.base_url + root, deployment_name="prod/mini", api_version="2025-01-01") as provider:
        await provider.chat_completion(ChatRequest(model="gpt-4.1-mini", messages=[USER]))

    seen = upstream.seen[0]
    assert seen.path == "/openai/deployments/prod%2Fmini/chat/completions?api-version=2025-01-01"
    assert seen.headers["api-key"] == KEY
    assert "authorization" not in seen.headers
    assert seen.json == {"model": "gpt-4.1-mini", "messages": [USER]}


async def test_the_undated_api_takes_the_deployment_as_model(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(f"{upstream.base_url}/openai/v1/", deployment_name="prod") as provider:
        await provider.chat_completion(ChatRequest(model="gpt-4.1-mini", messages=[USER]))

    assert upstream.seen[0].path == "/openai/v1/chat/completions"
    assert upstream.seen[0].json["model"] == "prod"


async def test_without_a_deployment_the_model_is_the_deployment(upstream: Upstream):
    upstream.answer(200, ANSWER)

    for root in ("", "/openai/v1"):
        async with provider_at(upstream.base_url + root) as provider:
            await provider.chat_completion(ChatRequest(model="mine", messages=[USER]))

    assert upstream.seen[0].path.startswith("/openai/deployments/mine/chat/completions?")
    assert upstream.seen[1].json["model"] == "mine"


async def test_a_base_url_may_go_on_to_its_deployment(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(f"{upstream.base_url}/openai/deployments/prod%2Fmini") as provider:
        await provider.chat_completion(ChatRequest(model="gpt-4.1-mini", messages=[USER]))

    assert upstream.seen[0].path.startswith("/openai/deployments/prod%2Fmini/chat/completions?")


async def test_a_call_may_name_its_own_deployment(upstream: Upstream):
    upstream.answer(200, ANSWER)
    request = ChatRequest(model="m", messages=[USER], extra={"deployment_name": "other", "top_k": 3})

    async with provider_at(upstream.base_url, deployment_name="prod") as provider:
        await provider.chat_completion(request)

    assert "/deployments/other/" in upstream.seen[0].path
    assert upstream.seen[0].json == {"model": "m", "messages": [USER], "top_k": 3}


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_call_without_a_deployment_is_refused_before_it_is_made(upstream: Upstream, name: str):
    async with provider_at(upstream.base_url) as provider:
        with pytest.raises(LLMProviderInvalidRequestError, match="deployment_name"):
            await provider.chat_completion(ChatRequest(model=name, messages=[USER]))

    assert upstream.seen == []


async def test_embeddings_and_completions_go_to_deployments_too(upstream: Upstream):
    vector = base64.b64encode(b"\0\0\x80?").decode()
    upstream.answer(200, {"data": [{"index": 0, "embedding": vector}]})
    upstream.answer(200, {"choices": [{"text": "pong", "finish_reason": "stop"}]})

    async with provider_at(upstream.base_url) as provider:
        embedded = await provider.embed(EmbeddingRequest(model="e", input=["a"]))
        completed = await provider.text_completion(CompletionRequest(model="c", prompt="a"))

    assert (embedded.embeddings, completed.text) == ([[1.0]], "pong")
    assert [seen.path.partition("?")[0] for seen in upstream.seen] == [
        "/openai/deployments/e/embeddings",
        "/openai/deployments/c/completions",
    ]


async def test_models_are_listed_by_both_shapes(upstream: Upstream):
    upstream.answer(200, {"data": [{"id": "gpt-4.1-mini"}]})

    for root in ("", "/openai/v1"):
        async with provider_at(upstream.base_url + root) as provider:
            assert [model.name for model in await provider.list_models()] == ["gpt-4.1-mini"]

    assert [seen.path for seen in upstream.seen] == ["/openai/models?api-version=2024-10-21", "/openai/v1/models"]


async def test_the_undated_api_is_asked_for_previews_where_the_option_says_so(upstream: Upstream):
    upstream.answer(200, ANSWER)

    for version in ("preview", "2025-01-01-preview"):
        async with provider_at(f"{upstream.base_url}/openai/v1", api_version=version) as provider:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    assert [seen.path for seen in upstream.seen] == [
        "/openai/v1/chat/completions?api-version=preview",
        "/openai/v1/chat/completions",
    ]


async def test_the_filters_verdicts_on_an_answer_stay_readable(upstream: Upstream):
    failed = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    verdicts = [{"prompt_index": 0, "content_filter_results": {"jailbreak": {"filtered": False, "detected": False}}}]
    choice = {"index": 0, "message": {"content": "pong"}, "finish_reason": "stop", "content_filter_result": failed}
    upstream.answer(200, {"choices": [choice], "prompt_filter_results": verdicts})

    async with provider_at(upstream.base_url) as provider:
        response = await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    assert (response.text, response.finish_reason) == ("pong", "stop")
    assert response.raw["prompt_filter_results"] == verdicts
    assert response.raw["choices"][0]["content_filter_result"] == failed


@pytest.mark.parametrize(
    ("root", "version", "asks"),
    [
        ("", "2024-02-01", False),
        ("", "2024-09-01-preview", True),
        ("", "2024-10-21", True),
        ("/openai/v1", "2024-02-01", True),
    ],
)
async def test_streams_are_asked_for_usage_where_the_version_knows_it(
    upstream: Upstream, root: str, version: str, asks: bool
):
    upstream.stream({"choices": [{"delta": {"content": "pong"}, "finish_reason": "stop"}]})

    async with provider_at(upstream.base_url + root, api_version=version) as provider:
        [_ async for _ in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert ("stream_options" in upstream.seen[0].json) is asks


async def test_an_entra_token_is_sent_as_a_bearer(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream.base_url, auth="entra") as provider:
        await provider.chat_completion(ChatRequest(model="m", messages=[USER]), api_key="test-token")

    assert upstream.seen[0].headers["authorization"] == "Bearer test-token"
    assert "api-key" not in upstream.seen[0].headers


async def test_an_answer_that_the_filter_cut_says_so(upstream: Upstream):
    verdict = {"hate": {"filtered": True, "severity": "high"}}
    upstream.stream(
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]},
        {"choices": [{"index": 0, "delta": {"content": "I"}, "content_filter_results": {}}]},
        {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 1}}]},
        {"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": verdict}]},
    )

    async with provider_at(upstream.base_url) as provider:
        chunks = [c async for c in provider.chat_completion_stream(ChatRequest(model="m", messages=[USER]))]

    assert "".join(chunk.text for chunk in chunks) == "I"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["content_filter"]
    assert chunks[-1].raw["choices"][0]["content_filter_results"] == verdict


async def test_a_prompt_that_the_filter_stops_is_an_invalid_request(upstream: Upstream):
    upstream.answer(400, {"error": {"message": "Filtered.", "type": None, "code": "content_filter", "status": 400}})

    async with provider_at(upstream.base_url) as provider:
        with pytest.raises(LLMProviderInvalidRequestError) as caught:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    assert (caught.value.status, caught.value.code) == (400, "content_filter")


async def test_a_missing_deployment_keeps_its_words_and_its_id(upstream: Upstream):
    body = {"error": {"code": "DeploymentNotFound", "message": "No such deployment."}}
    upstream.answer(404, body, headers={"apim-request-id": "id-1", "retry-after-ms": "1500"})

    async with provider_at(upstream.base_url) as provider:
        with pytest.raises(LLMProviderModelError) as caught:
            await provider.chat_completion(ChatRequest(model="m", messages=[USER]))

    error = caught.value
    assert (error.code, error.message, error.request_id) == ("DeploymentNotFound", "No such deployment.", "id-1")
    assert error.retry_after_s == 1.5


async def test_a_reasoning_model_is_asked_by_the_newer_name_of_the_limit(upstream: Upstream):
    upstream.answer(200, ANSWER)

    async with provider_at(upstream.base_url) as provider:
        await provider.chat_completion(ChatRequest(model="gpt-5-nano", messages=[USER], max_tokens=9, temperature=0.2))

    body = upstream.seen[0].json
    assert (body["max_completion_tokens"], body["temperature"]) == (9, 1)


def test_any_deployment_may_be_asked_for():
    assert provider_at("https://res.example").supports_model("whatever-i-called-it")


# The connector by itself


async def test_the_connector_takes_paths_below_the_deployment_and_whole_ones(upstream: Upstream):
    upstream.answer(200, {"ok": True})
    config = LLMProviderConfig(api_key=KEY, base_url=upstream.base_url, options={"deployment_name": "prod"})
    connector = AzureConnector(config)

    answer = await connector.request("POST", "/chat/completions", {"messages": [USER]})
    await connector.request("POST", "/openai/deployments/x/extensions?api-version=2023-05-15", {})
    await connector.request("GET", "/openai/files?limit=3")
    await connector.close()

    assert answer == {"ok": True}
    assert [seen.path for seen in upstream.seen] == [
        "/openai/deployments/prod/chat/completions?api-version=2024-10-21",
        "/openai/deployments/x/extensions?api-version=2023-05-15",
        "/openai/files?limit=3&api-version=2024-10-21",
    ]
    assert upstream.seen[0].json == {"messages": [USER]}


# Models by class


async def test_a_model_is_made_with_endpoint_and_deployment(upstream: Upstream):
    upstream.answer(200, ANSWER)
    llm = create_azure_llm("gpt-4.1-mini", api_key=KEY, endpoint=upstream.base_url, deployment_name="prod")

    answer = await llm.get_answer([USER], {"user": "ada"}, max_tokens=100)

    assert isinstance(llm, GPT41MiniLLM)
    assert str(answer) == "pong"
    assert upstream.seen[0].path.startswith("/openai/deployments/prod/")
    assert upstream.seen[0].json == {
        "model": "gpt-4.1-mini", "messages": [USER], "max_completion_tokens": 100, "user": "ada",
    }  # fmt: skip
    await llm.provider.shutdown()


async def test_a_model_is_made_of_a_connector_and_its_metadata(upstream: Upstream):
    upstream.answer(200, ANSWER)
    connector = AzureConnector(LLMProviderConfig(api_key=KEY, base_url=upstream.base_url))
    llm = GPT41MiniLLM(connector, GPT41MiniMetadata)

    await llm.generate_with_vision("What?", images=["https://example.com/a.jpg"], context={}, max_tokens=500)

    assert "/deployments/gpt-4.1-mini/" in upstream.seen[0].path
    assert upstream.seen[0].json["messages"][0]["content"][1]["image_url"]["url"] == "https://example.com/a.jpg"
    await connector.close()


def test_other_models_are_of_the_folders_class():
    llm = create_llm("azure/gpt-4o", api_key=KEY, endpoint="https://res.example")

    cost = llm.metadata.COST_PER_1K_OUTPUT
    assert type(llm) is AzureBaseLLM
    assert cost == Decimal("0.01")


def test_the_limit_is_renamed_and_a_given_one_kept():
    llm = create_llm("azure/gpt-4.1-mini", api_key=KEY, endpoint="https://res.example")

    assert llm._transform_parameters({"max_tokens": 5, "top_p": 1}) == {"max_completion_tokens": 5, "top_p": 1}
    assert llm._transform_parameters({"max_tokens": 5, "max_completion_tokens": 4}) == {"max_completion_tokens": 4}
    assert llm._transform_parameters({}) == {}


@pytest.mark.parametrize("params", [{"max_tokens": 32_769}, {"max_tokens": 0}, {"reasoning_effort": "low"}])
def test_parameters_that_the_model_does_not_take_are_refused(params: dict[str, Any]):
    GPT41MiniMetadata.validate_params({"max_tokens": 100, "temperature": 0.5, "seed": None})

    with pytest.raises(LLMProviderInvalidRequestError):
        GPT41MiniMetadata.validate_params(params)


def test_the_class_agrees_with_the_models_table():
    provider = provider_at("https://res.example")
    [listed] = [model for model in provider.get_available_models() if model.name == GPT41MiniMetadata.NAME]

    assert (listed.context_window, listed.max_output_tokens) == (
        GPT41MiniMetadata.CONTEXT_WINDOW,
        GPT41MiniMetadata.MAX_TOKENS,
    )


# The environment


async def test_three_variables_are_enough(upstream: Upstream, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_OPENAI_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", upstream.base_url)
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "prod")
    upstream.answer(200, ANSWER)

    llm = create_azure_llm("gpt-4.1-mini")
    await llm.get_answer("Hi")

    assert upstream.seen[0].path.startswith("/openai/deployments/prod/")
    assert upstream.seen[0].headers["api-key"] == KEY
    await llm.provider.shutdown()


def test_what_is_given_beats_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "prod")

    config = create_azure_llm("m", api_key=KEY, endpoint="https://a.example", deployment_name="b").provider.config

    assert (config.base_url, config.options["deployment_name"]) == ("https://a.example", "b")


def test_the_deployment_is_the_default_model_unless_one_is_named():
    environ = {"AZURE_OPENAI_KEY": KEY, "AZURE_BASE_URL": "https://a.example", "AZURE_OPENAI_DEPLOYMENT": "prod"}

    first = LLMConfig.from_env(environ).providers["azure"]
    second = LLMConfig.from_env(environ | {"AZURE_DEFAULT_MODEL": "gpt-4o"}).providers["azure"]

    assert (first.base_url, first.default_model) == ("https://a.example", "prod")
    assert (second.default_model, second.options["deployment_name"]) == ("gpt-4o", "prod")


def test_a_key_without_an_endpoint_is_no_provider():
    assert "azure" not in LLMConfig.from_env({"AZURE_OPENAI_KEY": KEY}).providers
