"""A provider whose server always gives one answer, without a socket: for tests of how answers are read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from providers import ChatRequest, ChatResponse, LLMProviderError, create_provider
from providers.answers import Gathering
from providers.base.provider import LLMProvider
from providers.types import ChatChunk

ASKED = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
ADDRESS = {"azure": "http://azure.test"}


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Canned(httpx.AsyncBaseTransport):
    """Answers every request with the same bytes, and keeps the requests."""

    def __init__(self, pieces: list[bytes], *, status: int, headers: Mapping[str, str]) -> None:
        self._pieces, self._status, self._headers = pieces, status, headers
        self.seen: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(self._status, headers=dict(self._headers), stream=Pieces(self._pieces))

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.seen[0].content)
        return body


def canned(answer: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Canned:
    """`answer` is bytes, pieces of bytes, or a value that is sent as JSON."""
    if isinstance(answer, bytes):
        answer = [answer]
    is_pieces = isinstance(answer, list) and all(isinstance(piece, bytes) for piece in answer) and answer
    return Canned(answer if is_pieces else [json.dumps(answer).encode()], status=status, headers=headers or {})


def provider_over(transport: Canned, slug: str = "local", **settings: Any) -> LLMProvider:
    settings = {"api_key": "test-key-alpha", "base_url": "http://upstream.test/v1", "max_retries": 0, **settings}
    provider: LLMProvider = create_provider(slug, transport=transport, **settings)
    return provider


def events(*payloads: Any, done: bool = True) -> bytes:
    """Server-sent events; text goes out as it is."""
    lines = [f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n" for payload in payloads]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


async def ask(slug: str, answer: Any, request: ChatRequest = ASKED, **settings: Any) -> ChatResponse:
    return await provider_over(canned(answer), slug, **settings).chat_completion(request)


async def listen(slug: str, stream: Any, **settings: Any) -> list[ChatChunk]:
    return [chunk async for chunk in provider_over(canned(stream), slug, **settings).chat_completion_stream(ASKED)]


async def fail(
    slug: str, answer: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, is_stream: bool = False
) -> LLMProviderError:
    """The error that an answer is read as."""
    call = _read_through if is_stream else LLMProvider.chat_completion
    with pytest.raises(LLMProviderError) as caught:
        await call(provider_over(canned(answer, status=status, headers=headers), slug), ASKED)
    return caught.value


async def _read_through(provider: LLMProvider, request: ChatRequest) -> None:
    async for _ in provider.chat_completion_stream(request):
        pass


def gathered(chunks: list[ChatChunk]) -> Gathering:
    gathering = Gathering()
    for chunk in chunks:
        gathering.add(chunk)
    return gathering
