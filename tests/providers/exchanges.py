"""One recorded exchange through the public API, with nothing but the wire replaced: what was sent and what was heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from providers import ChatChunk, ChatRequest, ChatResponse, LLMProviderServiceError, create_provider
from providers.base.provider import LLMProvider
from tests.providers.recordings import Recording


class Wire(httpx.AsyncBaseTransport):
    """Keeps what is sent and answers with what was recorded."""

    def __init__(self, recording: Recording) -> None:
        self._answer = recording.response
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        body = self._answer["body"].encode()
        return httpx.Response(self._answer["status"], headers=self._answer["headers"], content=body)

    @property
    def body(self) -> Any:
        """The JSON of the one request."""
        (request,) = self.sent
        return json.loads(request.content)


def connect(recording: Recording) -> tuple[LLMProvider, Wire]:
    """The recording's provider with its settings, on a wire that gives the recorded answer."""
    wire = Wire(recording)
    provider = create_provider(
        recording.slug,
        api_key="test-key-alpha",
        base_url="http://upstream.test",
        transport=wire,
        max_retries=0,
        **recording.settings,
    )
    return provider, wire


async def body_sent(slug: str, chat: Mapping[str, Any], *, is_stream: bool = False) -> Any:
    """The JSON that the provider sends for a chat in OpenAI's form."""
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(503)

    provider = create_provider(
        slug,
        api_key="test-key-alpha",
        base_url="http://upstream.test",
        transport=httpx.MockTransport(keep),
        max_retries=0,
    )
    request = ChatRequest.from_openai(chat)
    with pytest.raises(LLMProviderServiceError):
        await (anext(provider.chat_completion_stream(request)) if is_stream else provider.chat_completion(request))
    return json.loads(sent[0].content)


async def hear(recording: Recording) -> ChatResponse:
    """The recorded answer to a chat, whole."""
    provider, _ = connect(recording)
    response: ChatResponse = await provider.chat_completion(recording.request())
    return response


async def hear_pieces(recording: Recording) -> list[ChatChunk]:
    """The recorded answer to a chat, piece by piece."""
    provider, _ = connect(recording)
    return [chunk async for chunk in provider.chat_completion_stream(recording.request())]


async def call(provider: LLMProvider, recording: Recording) -> None:
    """The recorded call, whatever it asks for; what it answers is thrown away."""
    request = recording.request()
    if recording.api.endswith(("embeddings", "EmbedContents")):
        await provider.embed(request)
    elif recording.api.endswith("models"):
        await provider.list_models()
    elif recording.api.endswith("completions") and recording.is_stream:
        async for _ in provider.text_completion_stream(request):
            pass
    elif recording.api.endswith("completions"):
        await provider.text_completion(request)
    elif recording.is_stream:
        async for _ in provider.chat_completion_stream(request):
            pass
    else:
        await provider.chat_completion(request)
