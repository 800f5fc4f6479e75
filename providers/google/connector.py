"""Google's Gemini API: `generateContent`, its stream, and embeddings in batches."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx

from providers.base.connector import BaseConnector
from providers.base.failures import (
    CallContext,
    cut_stream,
    error_from_payload,
    parse_or_none,
    parse_piece,
    require_object,
    unreadable_answer,
)
from providers.base.paging import read_pages
from providers.base.provider import LLMProvider
from providers.base.streaming import ServerEvent, SSEDecoder
from providers.google import requests, wire
from providers.google.failures import HABITS
from providers.google.metadata import METADATA
from providers.types import ChatChunk, ChatRequest, ChatResponse, EmbeddingRequest, EmbeddingResponse, ModelInfo

STREAM_PATH = METADATA.chat_path.replace(":generateContent", ":streamGenerateContent?alt=sse")


class GoogleConnector(BaseConnector):
    """HTTP to the Gemini API. A base URL that ends in `/v1beta`, as other tools want it, is taken too."""

    metadata = METADATA
    error_habits = HABITS

    def base_url(self) -> str:
        return super().base_url().removesuffix("/v1beta")


class GoogleProvider(LLMProvider):
    """Gemini models at Google."""

    metadata = METADATA
    connector_class = GoogleConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        context = self.connector.context(api_key, request.model)
        built = self._build_chat(METADATA.chat_path, request, api_key=api_key, timeout_s=timeout_s)
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        try:
            response = wire.chat_response(_sound(payload, headers, context), provider=self.name, model=request.model)
        except ValueError as error:
            raise unreadable_answer(str(error), context) from error
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        context = self.connector.context(api_key, request.model)
        built = self._build_chat(STREAM_PATH, request, api_key=api_key, timeout_s=timeout_s)
        response = await self.connector.open_stream(built, context=context, timeout_s=timeout_s)
        decoder, stream = SSEDecoder(), wire.ContentStream()
        try:
            async for events in self.connector.read_pieces(response, decoder, context=context):
                for payload in _payloads(events, context):
                    yield stream.take(_sound(payload, response.headers, context))
            if plain := decoder.plain_body:
                for payload in _answers_in(plain):
                    yield stream.take(_sound(payload, response.headers, context))
            if not stream.is_complete:
                raise cut_stream(context, status=response.status_code)
            yield stream.finish()
        finally:
            await response.aclose()

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        started = time.perf_counter()
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST",
            requests.model_path(METADATA.embeddings_path, request.model),
            data=requests.embedding_body(request),
            api_key=api_key,
            headers=request.headers,
            timeout_s=timeout_s,
        )
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        try:
            response = wire.embedding_response(
                require_object(payload, headers, context), provider=self.name, model=request.model
            )
        except ValueError as error:
            raise unreadable_answer(str(error), context) from error
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        pages = await read_pages(
            self.connector,
            METADATA.models_path,
            parameter="pageToken",
            next_page=wire.next_page,
            api_key=api_key,
            timeout_s=timeout_s,
        )
        return [model for page in pages for model in wire.model_list(page, provider=self.name)]

    def _build_chat(
        self, path: str, request: ChatRequest, *, api_key: str | None, timeout_s: float | None
    ) -> httpx.Request:
        self.require_capabilities(request)
        return self.connector.build_request(
            "POST",
            requests.model_path(path, request.model),
            data=requests.chat_body(request, settings=self.config.options),
            api_key=api_key,
            headers=request.headers,
            timeout_s=timeout_s,
        )


def _payloads(events: list[ServerEvent], context: CallContext) -> Iterator[Any]:
    """The JSON of each event, which may be an array of pieces; an end marker, which only proxies send, is none."""
    for event in events:
        if event.data != b"[DONE]":
            payload = parse_piece(event.data, context)
            yield from payload if isinstance(payload, list) else (payload,)


def _answers_in(body: bytes) -> list[Any]:
    """The pieces in a body that is no event stream: Gemini's own other form is one array."""
    payload = parse_or_none(body)
    return payload if isinstance(payload, list) and payload else [payload]


def _sound(payload: Any, headers: Mapping[str, str], context: CallContext) -> Mapping[str, Any]:
    """`payload`, unless it is an error, or an answer that the model itself spoiled."""
    answer = require_object(payload, headers, context)
    if failure := wire.failure_in(answer):
        raise error_from_payload(failure, status=200, headers=headers, context=context)
    return answer


PROVIDER = GoogleProvider
