"""Portkey's own gateway (npm) reads our headers and passes our calls on: to aimock as OpenAI and as Anthropic."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers import (
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.peers import servers
from tests.peers.conftest import WEATHER_CALLS, required
from tests.peers.conversations import CONVERSATIONS, PING, ask, pictures_of, tools_of, words_of
from tests.peers.servers import KEY, Aimock
from tests.providers.upstream import UpstreamServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

both = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
Connect = Callable[..., LLMProvider]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with required(servers.portkey_gateway(tmp_path_factory.mktemp("portkey"))) as origin:
        yield origin


@pytest.fixture
def connect(gateway: str, aimock: Aimock) -> Connect:
    """Our Portkey provider with options, before a vendor that aimock plays; the vendor's key goes along as it would."""

    def connect(vendor: str = "openai", *, vendor_key: str = KEY, **options: Any) -> LLMProvider:
        options = {"provider": vendor, "custom_host": f"{aimock.origin}/v1", **options}
        headers = {"authorization": f"Bearer {vendor_key}"}
        return create_provider(
            "portkey", api_key="test-key-gamma", base_url=f"{gateway}/v1", headers=headers, max_retries=0, **options
        )

    return connect


@both
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_is_passed_on_as_it_was_meant(
    connect: Connect, aimock: Aimock, vendor: str, name: str, is_stream: bool
):
    conversation = CONVERSATIONS[name]

    async with connect(vendor) as provider:
        heard = await ask(provider, "m", conversation, is_stream=is_stream)

    if name in ("tools", "forced_tool"):
        assert heard.called == [(call["name"], call["arguments"]) for call in WEATHER_CALLS]
        assert heard.finish_reason == "tool_calls"
    else:
        assert heard.text.startswith('{"pong"' if name == "structured" and vendor == "openai" else "pong")
        assert heard.finish_reason == "stop"
    assert heard.usage == Usage(input_tokens=11, output_tokens=3)
    understood = aimock.last()
    assert understood["path"] == ("/v1/messages" if vendor == "anthropic" else "/v1/chat/completions")
    assert words_of(understood["body"]) == words_of(conversation)
    assert [name for name, _ in tools_of(understood["body"])] == [name for name, _ in tools_of(conversation)]
    if vendor == "openai":
        assert tools_of(understood["body"]) == tools_of(conversation)
        assert pictures_of(understood["body"]) == pictures_of(conversation)


@both
async def test_a_config_with_the_vendors_key_is_read(connect: Connect, aimock: Aimock, is_stream: bool):
    config = json.dumps({"provider": "openai", "api_key": KEY, "override_params": {"model": "m"}})

    async with connect(vendor_key="unused", provider=None, config=config) as provider:
        heard = await ask(provider, "another", PING, is_stream=is_stream)

    assert heard.text.startswith("pong")
    assert aimock.last()["body"]["model"] == "m"


@both
async def test_a_guardrail_that_denies_is_an_invalid_request(connect: Connect, is_stream: bool):
    denial = {"default.contains": {"operator": "none", "words": ["ping"]}, "deny": True}
    config = json.dumps({"provider": "openai", "api_key": KEY, "input_guardrails": [denial]})

    async with connect(config=config) as provider:
        with pytest.raises(LLMProviderInvalidRequestError) as caught:
            await ask(provider, "m", PING, is_stream=is_stream)

    assert caught.value.status == 446


async def test_trace_and_metadata_are_accepted_and_the_trace_names_a_call_that_fails(
    connect: Connect, upstream_server: UpstreamServer
):
    vendor = upstream_server.new()
    vendor.answer(429, {"error": {"message": "Slow down."}}, headers={"content-type": "application/json"})
    options = {"trace_id": "trace-1", "metadata": {"_user": "ada"}, "cache_namespace": "ns", "debug": "false"}

    async with connect(custom_host=f"{vendor.base_url}/v1", **options) as provider:
        with pytest.raises(LLMProviderRateLimitError) as caught:
            await ask(provider, "m", PING, is_stream=False)

    assert (caught.value.status, caught.value.request_id) == (429, "trace-1")


@both
async def test_a_wrong_key_of_the_vendor_is_an_authentication_error(connect: Connect, is_stream: bool):
    async with connect(vendor_key="test-key-beta") as provider:
        with pytest.raises(LLMProviderAuthenticationError) as caught:
            await ask(provider, "m", PING, is_stream=is_stream)

    assert caught.value.status == 401


@both
async def test_an_outage_of_the_vendor_is_a_service_error(connect: Connect, is_stream: bool):
    async with connect() as provider:
        with pytest.raises(LLMProviderServiceError) as caught:
            await ask(provider, "broken", PING, is_stream=is_stream)

    assert caught.value.status == 503


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"provider": "acme"}, id="an unknown vendor"),
        pytest.param({"provider": None}, id="no vendor"),
        pytest.param({"custom_host": "http://169.254.169.254/v1"}, id="a host that it refuses"),
    ],
)
async def test_what_the_gateway_refuses_is_an_invalid_request(connect: Connect, options: dict[str, Any]):
    async with connect(**options) as provider:
        with pytest.raises(LLMProviderInvalidRequestError) as caught:
            await ask(provider, "m", PING, is_stream=False)

    assert caught.value.status == 400


async def test_the_time_that_the_gateway_gives_a_vendor_is_kept(connect: Connect, upstream_server: UpstreamServer):
    vendor, answers = upstream_server.new(), threading.Event()
    vendor.answer(200, {}, wait_before=answers)

    async with connect(request_timeout=200, custom_host=f"{vendor.base_url}/v1") as provider:
        with pytest.raises(LLMProviderTimeoutError) as caught:
            await ask(provider, "m", PING, is_stream=False)
    answers.set()

    assert caught.value.status == 408


async def test_texts_become_vectors_and_models_are_listed(connect: Connect):
    async with connect() as provider:
        response = await provider.embed(EmbeddingRequest(model="m", input=["a fox"]))
        names = [model.name for model in await provider.list_models()]

    assert response.embeddings == [pytest.approx([0.25, -0.5, 1.0])]
    assert "limited" in names
