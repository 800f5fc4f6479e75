"""Anthropic's Messages API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping

import httpx

from providers.anthropic import requests, wire
from providers.anthropic.metadata import METADATA
from providers.base.connector import BaseConnector
from providers.base.failures import cut_stream, parse_or_none, parse_piece, require_object
from providers.base.paging import read_pages
from providers.base.provider import LLMProvider
from providers.base.streaming import SSEDecoder
from providers.types import ChatChunk, ChatRequest, ChatResponse, ModelInfo

USUAL_MAX_TOKENS = 4096
"""Sent where neither the call nor the settings name a limit, and the model's own is not known."""


class AnthropicConnector(BaseConnector):
    """HTTP with Anthropic's headers."""

    metadata = METADATA


class AnthropicProvider(LLMProvider):
    """Claude models at Anthropic."""

    metadata = METADATA
    connector_class = AnthropicConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        context = self.connector.context(api_key, request.model)
        built = self._build(request, is_stream=False, api_key=api_key, timeout_s=timeout_s)
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        response = wire.chat_response(
            require_object(payload, headers, context), provider=self.name, model=request.model
        )
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        context = self.connector.context(api_key, request.model)
        built = self._build(request, is_stream=True, api_key=api_key, timeout_s=timeout_s)
        response = await self.connector.open_stream(built, context=context, timeout_s=timeout_s)
        decoder, message = SSEDecoder(), wire.MessageStream()
        try:
            pieces = self.connector.read_pieces(response, decoder, context=context)
            async for events in pieces:
                for event in events:
                    if event.data == b"[DONE]":
                        continue
                    payload = parse_piece(event.data, context)
                    chunk = message.take(require_object(payload, response.headers, context))
                    if chunk is not None:
                        yield chunk
                if message.is_over:
                    break
            if body := decoder.plain_body:  # a proxy may send the whole message where a stream was asked for
                payload = require_object(parse_or_none(body), response.headers, context)
                if payload.get("stop_reason"):
                    yield wire.chat_response(payload, provider=self.name, model=request.model).as_chunk()
                    return
            if not message.is_complete:
                raise cut_stream(context, status=response.status_code)
            await self.connector.drain(pieces)
        finally:
            await response.aclose()

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        pages = await read_pages(
            self.connector,
            METADATA.models_path,
            parameter="after_id",
            next_page=wire.next_page,
            api_key=api_key,
            timeout_s=timeout_s,
        )
        return [model for page in pages for model in wire.model_list(page, provider=self.name)]

    def _build(
        self, request: ChatRequest, *, is_stream: bool, api_key: str | None, timeout_s: float | None
    ) -> httpx.Request:
        self.require_capabilities(request)
        return self.connector.build_request(
            "POST",
            METADATA.chat_path,
            data=requests.chat_body(
                request,
                default_max_tokens=self._default_max_tokens(request.model),
                rules=self.models.rules_for(request.model),
                is_stream=is_stream,
            ),
            api_key=api_key,
            headers=self._headers_for(request),
            timeout_s=timeout_s,
        )

    def _default_max_tokens(self, model: str) -> int:
        """What to send where a call names no limit: the setting, else as much as the model can write."""
        if limit := self.config.options.get("default_max_tokens"):
            return int(limit)
        entry = self.models.find(model)
        return (entry.max_output_tokens if entry else None) or USUAL_MAX_TOKENS

    def _headers_for(self, request: ChatRequest) -> Mapping[str, str]:
        """The call's own headers. Its beta features are added to the configured ones, since one header holds them all."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        own = headers.get("anthropic-beta", "")
        needed = requests.STRUCTURED_OUTPUT_BETA if requests.needs_structure_beta(request) else ""
        if own or needed:
            configured = str(self.config.options.get("beta") or "")
            names = [name.strip() for name in f"{configured},{own},{needed}".split(",")]
            headers["anthropic-beta"] = ",".join(dict.fromkeys(name for name in names if name))
        return headers


PROVIDER = AnthropicProvider
