"""Ollama's own API: `/api/chat` with lines of JSON."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from providers.base.connector import BaseConnector
from providers.base.failures import cut_stream, parse_piece, require_object, unreadable_answer
from providers.base.openai_wire import read_vector
from providers.base.provider import LLMProvider
from providers.base.reading import as_list
from providers.base.streaming import NDJSONDecoder
from providers.ollama import wire
from providers.ollama.metadata import METADATA
from providers.types import ChatChunk, ChatRequest, ChatResponse, EmbeddingRequest, EmbeddingResponse, ModelInfo


class OllamaConnector(BaseConnector):
    """HTTP to an Ollama server. A base URL that ends in `/v1`, as other tools want it, is taken too."""

    metadata = METADATA

    def base_url(self) -> str:
        return super().base_url().removesuffix("/v1")


class OllamaProvider(LLMProvider):
    """Models on an Ollama server."""

    metadata = METADATA
    connector_class = OllamaConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        self.require_capabilities(request)
        body = wire.chat_body(request, settings=self.config.options)
        payload = await self._post(METADATA.chat_path, body, request, api_key=api_key, timeout_s=timeout_s)
        response = wire.chat_response(payload, provider=self.name, model=request.model)
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        self.require_capabilities(request)
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST",
            METADATA.chat_path,
            data=wire.chat_body(request, settings=self.config.options, is_stream=True),
            api_key=api_key,
            headers=request.headers,
            timeout_s=timeout_s,
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

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        started = time.perf_counter()
        body = wire.embedding_body(request)
        payload = await self._post(METADATA.embeddings_path, body, request, api_key=api_key, timeout_s=timeout_s)
        try:
            vectors = [read_vector(vector) for vector in as_list(payload.get("embeddings"))]
        except ValueError as error:
            raise unreadable_answer(str(error), self.connector.context(api_key, request.model)) from error
        return EmbeddingResponse(
            embeddings=vectors,
            model=request.model,
            provider=self.name,
            usage=wire.usage_of(payload),
            raw=payload,
            latency_ms=(time.perf_counter() - started) * 1000,
        )

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        payload = await self.connector.request("GET", METADATA.models_path, api_key=api_key, timeout_s=timeout_s)
        return wire.model_list(require_object(payload, {}, self.connector.context(api_key, None)), provider=self.name)

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        request: ChatRequest | EmbeddingRequest,
        *,
        api_key: str | None,
        timeout_s: float | None,
    ) -> Mapping[str, Any]:
        payload = await self.connector.request(
            "POST", path, body, api_key=api_key, headers=request.headers, timeout_s=timeout_s, model=request.model
        )
        return require_object(payload, {}, self.connector.context(api_key, request.model))


PROVIDER = OllamaProvider
