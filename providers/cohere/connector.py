"""Cohere's API, version 2."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from providers.base.connector import BaseConnector
from providers.base.failures import (
    CallContext,
    ErrorHabits,
    cut_stream,
    error_from_payload,
    parse_or_none,
    parse_piece,
    require_object,
    unreadable_answer,
)
from providers.base.paging import read_pages
from providers.base.provider import LLMProvider
from providers.base.reading import as_mapping
from providers.base.streaming import SSEDecoder
from providers.cohere import requests, wire
from providers.cohere.metadata import METADATA
from providers.errors import LLMProviderInvalidRequestError
from providers.types import ChatChunk, ChatRequest, ChatResponse, EmbeddingRequest, EmbeddingResponse, ModelInfo


class CohereConnector(BaseConnector):
    """HTTP to Cohere. A base URL that ends in `/v1` or `/v2`, as other tools want it, is taken too."""

    metadata = METADATA
    error_habits = ErrorHabits(request_id_header="x-debug-trace-id", kinds={498: LLMProviderInvalidRequestError})
    """498 is a token that Cohere's lists forbid; elsewhere it means a lack of capacity."""

    def base_url(self) -> str:
        return super().base_url().removesuffix("/v1").removesuffix("/v2")


class CohereProvider(LLMProvider):
    """Command and Embed models at Cohere."""

    metadata = METADATA
    connector_class = CohereConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        self.require_capabilities(request)
        body = self._chat_body(request)
        payload, headers = await self._post(METADATA.chat_path, body, request, api_key=api_key, timeout_s=timeout_s)
        _raise_failure(payload, payload, headers, self.connector.context(api_key, request.model))
        response = self._read_whole(payload, request)
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
            data=self._chat_body(request, is_stream=True),
            api_key=api_key,
            headers={**request.headers, "accept": "text/event-stream"},
            timeout_s=timeout_s,
        )
        response = await self.connector.open_stream(built, context=context, timeout_s=timeout_s)
        decoder, stream = SSEDecoder(), wire.MessageStream(counts_billed=self._counts_billed())
        try:
            pieces = self.connector.read_pieces(response, decoder, context=context)
            async for events in pieces:
                for event in events:
                    if event.data == b"[DONE]":
                        continue
                    payload = require_object(parse_piece(event.data, context), response.headers, context)
                    _raise_failure(payload, as_mapping(payload.get("delta")), response.headers, context)
                    for chunk in stream.take(payload):
                        yield chunk
                if stream.is_complete:
                    break
            if body := decoder.plain_body:  # a proxy may send the whole message where a stream was asked for
                payload = require_object(parse_or_none(body), response.headers, context)
                _raise_failure(payload, payload, response.headers, context)
                if payload.get("finish_reason"):
                    yield self._read_whole(payload, request).as_chunk()
                    return
            if not stream.is_complete:
                raise cut_stream(context, status=response.status_code)
            await self.connector.drain(pieces)
        finally:
            await response.aclose()

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        started = time.perf_counter()
        body = requests.embedding_body(request, settings=self.config.options)
        payload, _ = await self._post(METADATA.embeddings_path, body, request, api_key=api_key, timeout_s=timeout_s)
        try:
            response = wire.embedding_response(payload, provider=self.name, model=request.model)
        except ValueError as error:
            raise unreadable_answer(str(error), self.connector.context(api_key, request.model)) from error
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        pages = await read_pages(
            self.connector,
            METADATA.models_path,
            parameter="page_token",
            next_page=wire.next_page,
            api_key=api_key,
            timeout_s=timeout_s,
        )
        return [model for page in pages for model in wire.model_list(page, provider=self.name)]

    def _chat_body(self, request: ChatRequest, *, is_stream: bool = False) -> dict[str, Any]:
        rules = self.models.rules_for(request.model)
        return requests.chat_body(request, settings=self.config.options, rules=rules, is_stream=is_stream)

    def _read_whole(self, payload: Mapping[str, Any], request: ChatRequest) -> ChatResponse:
        return wire.chat_response(payload, provider=self.name, model=request.model, counts_billed=self._counts_billed())

    def _counts_billed(self) -> bool:
        return self.config.options.get("meters") == "billed_units"

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        request: ChatRequest | EmbeddingRequest,
        *,
        api_key: str | None,
        timeout_s: float | None,
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST", path, data=body, api_key=api_key, headers=request.headers, timeout_s=timeout_s
        )
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        return require_object(payload, headers, context), headers


def _raise_failure(
    payload: Mapping[str, Any], ended: Mapping[str, Any], headers: Mapping[str, str], context: CallContext
) -> None:
    """Raise what the finish reason in `ended` says, or a body or event that holds nothing but a message."""
    failure = wire.failure_in(ended)
    if failure is None and isinstance(payload.get("message"), str) and "type" not in payload:
        failure = payload
    if failure is not None:
        raise error_from_payload(failure, status=200, headers=headers, context=context)


PROVIDER = CohereProvider
