"""aimock (npm) as OpenAI, Azure, Anthropic, Gemini, Cohere, Ollama and OpenRouter: it reads what we ask, and we what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers import (
    ChatRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.peers.conftest import WEATHER_CALLS
from tests.peers.conversations import CONVERSATIONS, PING, ask, tools_of, words_of
from tests.peers.servers import KEY, Aimock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DIALECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1", {}),
    "local": ("/v1", {}),
    "vllm": ("/v1", {}),
    "azure": ("", {"deployment_name": "m"}),
    "openrouter": ("/api/v1", {}),
    "mistral": ("/v1", {}),
    "huggingface": ("/v1", {}),
    "anthropic": ("", {}),
    "google": ("", {}),
    "cohere": ("", {}),
    "ollama": ("", {}),
}
"""Slug → the path at which aimock plays that vendor, and the provider's settings."""

EMBEDS = ("openai", "local", "vllm", "azure", "cohere")
"""Of Gemini's and Ollama's paths for vectors aimock knows only the older ones, for one text at a time."""

LISTS = ("openai", "local", "vllm", "openrouter", "ollama")


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def provider(slug: str, aimock: Aimock) -> AsyncIterator[LLMProvider]:
    path, settings = DIALECTS[slug]
    async with create_provider(slug, api_key=KEY, base_url=aimock.origin + path, max_retries=0, **settings) as provider:
        yield provider


def every(slugs: Any) -> Any:
    return pytest.mark.parametrize("slug", slugs, indirect=True)


@every(DIALECTS)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_is_understood_and_answered(
    provider: LLMProvider, slug: str, aimock: Aimock, name: str, is_stream: bool
):
    conversation = CONVERSATIONS[name]

    heard = await ask(provider, "m", conversation, is_stream=is_stream)

    if name in ("tools", "forced_tool"):
        assert heard.called == [(call["name"], call["arguments"]) for call in WEATHER_CALLS]
        assert (heard.text, heard.finish_reason) == ("", "tool_calls")
        assert all(call.id for call in heard.calls)
    else:
        assert heard.text.startswith('{"pong"' if name == "structured" and hears_shapes(slug) else "pong")
        assert (heard.calls, heard.finish_reason) == ([], "stop")
    assert heard.usage == expected_usage(slug, is_stream=is_stream)
    understood = aimock.last()["body"]
    assert understood["model"] == "m"
    assert bool(understood.get("stream")) is is_stream
    assert understood.get("temperature") == conversation.get("temperature")
    assert words_of(understood) == words_of(conversation)
    assert tools_of(understood) == [tool for tool in tools_of(conversation) if tool[0] in offered(slug, name)]


def hears_shapes(slug: str) -> bool:
    """aimock looks for the wish for a shape in OpenAI's dialect, and by OpenAI's name for it."""
    return slug not in ("anthropic", "google", "cohere", "ollama")


def expected_usage(slug: str, *, is_stream: bool) -> Usage | None:
    """As Ollama aimock counts nothing; a stream's usage it tells who asks, and Mistral tells it unasked."""
    if slug == "ollama":
        return Usage()
    return None if slug == "mistral" and is_stream else Usage(input_tokens=11, output_tokens=3)


def offered(slug: str, name: str) -> set[str]:
    """Cohere and Ollama can't be told which tool to call, so they are offered that one alone."""
    is_alone = name == "forced_tool" and slug in ("cohere", "ollama")
    return {"get_weather"} if is_alone else {"get_weather", "get_time"}


@every(DIALECTS)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_wrong_key_is_an_authentication_error(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderAuthenticationError) as caught:
        await ask(provider, "m", PING, is_stream=is_stream, api_key="test-key-beta")

    assert (caught.value.status, caught.value.message) == (401, "Invalid API key")


@every([slug for slug in DIALECTS if slug != "azure"])
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_rate_limit_and_its_wait_are_read(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderRateLimitError) as caught:
        await ask(provider, "limited", PING, is_stream=is_stream)

    assert (caught.value.status, caught.value.message) == (429, "Slow down.")
    assert caught.value.retry_after_s == 7


@every([slug for slug in DIALECTS if slug != "azure"])
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_an_outage_is_a_service_error(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderServiceError) as caught:
        await ask(provider, "broken", PING, is_stream=is_stream)

    assert (caught.value.status, caught.value.message, caught.value.fails_over) == (503, "Out of order.", True)


@every(EMBEDS)
async def test_texts_become_vectors(provider: LLMProvider):
    response = await provider.embed(EmbeddingRequest(model="m", input=["a fox", "a red fox"]))

    assert response.embeddings == [pytest.approx([0.25, -0.5, 1.0])] * 2


@every(LISTS)
async def test_models_are_listed_and_the_check_is_free(provider: LLMProvider, aimock: Aimock):
    before = aimock.last()

    names = [model.name for model in await provider.list_models()]
    report = await provider.health_check()

    assert {"limited", "broken"} <= set(names)
    assert (report.is_healthy, report.step) == (True, "ok")
    assert aimock.last()["id"] == before["id"]


@every(["openai"])
async def test_a_call_that_nothing_answers_is_an_error_with_the_servers_words(provider: LLMProvider):
    with pytest.raises(LLMProviderServiceError, match="no fixture matched"):
        await provider.chat_completion(ChatRequest(model="m", messages=[{"role": "user", "content": "What?"}]))
