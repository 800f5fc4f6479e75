"""LiteLLM's proxy (PyPI) as OpenAI, Azure, Anthropic and Gemini server: with answers of its own, and before another peer.

Before aimock it translates what we send into OpenAI's form, so a word of ours that it misreads changes what arrives there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from providers import (
    CompletionRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.peers import servers
from tests.peers.conftest import WEATHER_CALLS, required
from tests.peers.conversations import CONVERSATIONS, PING, ask, pictures_of, shape_of, tools_of, words_of
from tests.peers.servers import KEY, Aimock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MOCKED_CALL = {"id": "call_7", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Bern"}'}}
DIALECTS = {"openai": "/v1", "local": "/v1", "vllm": "/v1", "azure": "", "anthropic": "", "google": ""}
FAILING = ("openai", "local", "vllm", "azure", "anthropic")
"""Where it plays Gemini its mock mode knows no failures."""

TRANSLATED = ("openai", "anthropic", "google")


def mocked(name: str, **mock: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": "openai/gpt-4o-mini", "api_key": "none", **mock}}


def settings(behind: Aimock) -> dict[str, Any]:
    through = {"model": "openai/m", "api_key": KEY, "api_base": f"{behind.origin}/v1"}
    return {
        "model_list": [
            mocked("says-pong", mock_response="pong"),
            mocked("calls", mock_response="", mock_tool_calls=[MOCKED_CALL]),
            mocked("limited", mock_response="litellm.RateLimitError"),
            mocked("too-long", mock_response="litellm.ContextWindowExceededError"),
            mocked("broken", mock_response="litellm.InternalServerError"),
            mocked("embeds", mock_response=[0.25, -0.5, 1.0]),
            {"model_name": "m", "litellm_params": through},
        ],
        "litellm_settings": {"num_retries": 0, "use_chat_completions_url_for_anthropic_messages": True},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": f"sk-{KEY}"},
    }


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory, aimock: Aimock) -> Iterator[str]:
    with required(servers.litellm_proxy(tmp_path_factory.mktemp("litellm"), settings(aimock))) as origin:
        yield origin


@pytest.fixture
async def provider(request: pytest.FixtureRequest, litellm: str) -> AsyncIterator[LLMProvider]:
    slug = str(request.param)
    async with create_provider(slug, api_key=f"sk-{KEY}", base_url=litellm + DIALECTS[slug], max_retries=0) as provider:
        yield provider


def every(slugs: Any) -> Any:
    return pytest.mark.parametrize("provider", slugs, indirect=True)


both = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


@every(DIALECTS)
@both
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_is_accepted_in_mock_mode(provider: LLMProvider, name: str, is_stream: bool):
    heard = await ask(provider, "says-pong", CONVERSATIONS[name], is_stream=is_stream)

    assert (heard.text, heard.finish_reason, heard.calls) == ("pong", "stop", [])
    assert heard.usage is not None


@every(["openai", "local", "vllm", "azure"])
async def test_mocked_tool_calls_are_read(provider: LLMProvider):
    heard = await ask(provider, "calls", CONVERSATIONS["tools"], is_stream=False)

    assert heard.called == [("get_weather", {"city": "Bern"})]
    assert [call.id for call in heard.calls] == ["call_7"]


@every(TRANSLATED)
@both
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_is_translated_as_it_was_meant(
    provider: LLMProvider, aimock: Aimock, name: str, is_stream: bool
):
    conversation = CONVERSATIONS[name]

    heard = await ask(provider, "m", conversation, is_stream=is_stream)

    if name in ("tools", "forced_tool"):
        assert heard.called == [(call["name"], call["arguments"]) for call in WEATHER_CALLS]
        assert heard.finish_reason == "tool_calls"
    else:
        assert heard.text == ('{"pong": true}' if name == "structured" else "pong, said the über-server 🎾")
        assert heard.finish_reason == "stop"
    is_google = provider.provider_type == "google"
    assert heard.usage == (Usage() if is_google and is_stream else Usage(input_tokens=11, output_tokens=3))
    check_understood(aimock.last()["body"], conversation, is_stream=is_stream, is_google=is_google)


def check_understood(body: dict[str, Any], meant: dict[str, Any], *, is_stream: bool, is_google: bool) -> None:
    """LiteLLM has no ear for Gemini's pictures in camel case, and none for the name of a tool that must be called."""
    assert bool(body.get("stream")) is is_stream
    assert words_of(body) == words_of(meant)
    assert tools_of(body) == tools_of(meant)
    assert shape_of(body) == shape_of(meant)
    assert (body["max_tokens"], body.get("temperature")) == (64, meant.get("temperature"))
    assert stops_of(body) == stops_of(meant)
    if is_google:
        assert (body.get("tool_choice") is None) is (meant.get("tool_choice") is None)
    else:
        assert pictures_of(body) == pictures_of(meant)
        assert body.get("tool_choice") == meant.get("tool_choice")


def stops_of(body: dict[str, Any]) -> list[str]:
    stop = body.get("stop") or []
    return [stop] if isinstance(stop, str) else list(stop)


@every(DIALECTS)
@both
async def test_a_wrong_key_is_an_authentication_error(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderAuthenticationError):
        await ask(provider, "says-pong", PING, is_stream=is_stream, api_key="sk-test-key-beta")


@every(FAILING)
@both
async def test_a_rate_limit_is_read(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderRateLimitError) as caught:
        await ask(provider, "limited", PING, is_stream=is_stream)

    assert caught.value.status == 429


@every(FAILING)
@both
async def test_a_prompt_that_is_too_long_is_told_from_a_bad_request(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderInvalidRequestError) as caught:
        await ask(provider, "too-long", PING, is_stream=is_stream)

    assert caught.value.exceeds_context


@every(FAILING)
@both
async def test_an_outage_is_a_service_error(provider: LLMProvider, is_stream: bool):
    with pytest.raises(LLMProviderServiceError) as caught:
        await ask(provider, "broken", PING, is_stream=is_stream)

    assert caught.value.status == 500


@every(["openai", "local", "vllm", "azure"])
async def test_texts_become_vectors(provider: LLMProvider):
    response = await provider.embed(EmbeddingRequest(model="embeds", input=["a", "b"]))

    assert response.embeddings[0] == pytest.approx([0.25, -0.5, 1.0])


@every(["openai", "local", "vllm", "azure"])
async def test_a_prompt_is_continued(provider: LLMProvider):
    response = await provider.text_completion(CompletionRequest(model="says-pong", prompt="ping"))

    assert (response.text, response.finish_reason) == ("pong", "stop")


@every(["openai", "local", "vllm", "anthropic"])
async def test_models_are_listed_and_the_check_is_free(provider: LLMProvider):
    names = [model.name for model in await provider.list_models()]
    report = await provider.health_check()

    assert {"says-pong", "m"} <= set(names)
    assert (report.is_healthy, report.step) == (True, "ok")
