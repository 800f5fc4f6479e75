"""Ollama's own API: `/api/chat` and `/api/generate` with lines of JSON."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from providers.base.connector import BaseConnector
from providers.base.failures import cut_stream, parse_piece, require_object, unreadable_answer
from providers.base.provider import LLMProvider
from providers.base.streaming import NDJSONDecoder
from providers.ollama import requests, wire
from providers.ollama.failures import HABITS
from providers.ollama.metadata import METADATA
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    CompletionResponse,
    EmbeddingRequest,
    EmbeddingResponse,
    ModelInfo,
)


class OllamaConnector(BaseConnector):
    """HTTP to an Ollama server. A base URL that ends in `/v1` or `/api`, as other tools want it, is taken too."""

    metadata = METADATA
    error_habits = HABITS

    def base_url(self) -> str:
        return super().base_url().removesuffix("/v1").removesuffix("/api")


class OllamaProvider(LLMProvider):
    """Models on an Ollama server."""

    metadata = METADATA
    connector_class = OllamaConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        payload = await self._post(
            METADATA.chat_path, self._chat_body(request), request, api_key=api_key, timeout_s=timeout_s
        )
        response = wire.chat_response(payload, provider=self.name, model=request.model)
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        return self._stream(
            METADATA.chat_path,
            lambda: self._chat_body(request, is_stream=True),
            request,
            api_key=api_key,
            timeout_s=timeout_s,
        )

    async def exchange_completion(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> CompletionResponse:
        started = time.perf_counter()
        body = requests.completion_body(request, settings=self.config.options)
        payload = await self._post(METADATA.completions_path, body, request, api_key=api_key, timeout_s=timeout_s)
        response = wire.completion_response(payload, provider=self.name, model=request.model)
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    def exchange_completion_stream(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        return self._stream(
            METADATA.completions_path,
            lambda: requests.completion_body(request, settings=self.config.options, is_stream=True),
            request,
            api_key=api_key,
            timeout_s=timeout_s,
        )

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        started = time.perf_counter()
        body = requests.embedding_body(request)
        payload = await self._post(METADATA.embeddings_path, body, request, api_key=api_key, timeout_s=timeout_s)
        try:
            response = wire.embedding_response(payload, provider=self.name, model=request.model)
        except ValueError as error:
            raise unreadable_answer(str(error), self.connector.context(api_key, request.model)) from error
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        payload = await self.connector.request("GET", METADATA.models_path, api_key=api_key, timeout_s=timeout_s)
        return wire.model_list(require_object(payload, {}, self.connector.context(api_key, None)), provider=self.name)

    def _chat_body(self, request: ChatRequest, *, is_stream: bool = False) -> dict[str, Any]:
        self.require_capabilities(request)
        return requests.chat_body(request, settings=self.config.options, is_stream=is_stream)

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        request: ChatRequest | CompletionRequest | EmbeddingRequest,
        *,
        api_key: str | None,
        timeout_s: float | None,
    ) -> Mapping[str, Any]:
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST", path, data=body, api_key=api_key, headers=request.headers, timeout_s=timeout_s
        )
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        return require_object(payload, headers, context)

    async def _stream(
        self,
        path: str,
        body: Callable[[], Mapping[str, Any]],
        request: ChatRequest | CompletionRequest,
        *,
        api_key: str | None,
        timeout_s: float | None,
    ) -> AsyncIterator[ChatChunk]:
        """The chunks of one stream. `body` is called with the first step, so whatever it raises comes from the iterator."""
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST", path, data=body(), api_key=api_key, headers=request.headers, timeout_s=timeout_s
        )
        response = await self.connector.open_stream(built, context=context, timeout_s=timeout_s)
        answer = wire.LineStream()
        try:
            pieces = self.connector.read_pieces(response, NDJSONDecoder(), context=context)
            async for lines in pieces:
                for line in lines:
                    yield answer.take(require_object(parse_piece(line, context), response.headers, context))
                if answer.is_complete:
                    break
            if not answer.is_complete:
                raise cut_stream(context, status=response.status_code)
            await self.connector.drain(pieces)
        finally:
            await response.aclose()


PROVIDER = OllamaProvider
