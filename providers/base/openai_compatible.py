"""A provider that speaks OpenAI's dialect. What differs between such vendors is data in their metadata, not code here."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx

from providers.base import openai_wire as wire
from providers.base.complaints import holds_error
from providers.base.failures import (
    CallContext,
    cut_stream,
    error_from_payload,
    parse_or_none,
    parse_piece,
    require_object,
    unreadable_answer,
)
from providers.base.finish_reasons import failure_in
from providers.base.openai_messages import fit_messages
from providers.base.openai_models import holds_models, model_list
from providers.base.openai_stream import ChunkOrder
from providers.base.parameters import ParameterRules
from providers.base.provider import LLMProvider
from providers.base.reading import as_list
from providers.base.streaming import ServerEvent, SSEDecoder
from providers.base.text_chunk import text_chunk
from providers.errors import LLMProviderError
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


class OpenAICompatibleProvider(LLMProvider):
    """Chats, streams, completions, embeddings and model lists in OpenAI's form."""

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        started = time.perf_counter()
        self.require_capabilities(request)
        body = self._settled(wire.chat_body(request, rules=self._rules_for(request.model)))
        payload = await self._post(
            self._metadata.chat_path, body, request, holding="choices", api_key=api_key, timeout_s=timeout_s
        )
        response = wire.chat_response(payload, provider=self.name, model=request.model)
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        def body() -> dict[str, Any]:
            self.require_capabilities(request)
            rules = self._rules_for(request.model)
            return self._settled(
                wire.chat_body(request, rules=rules, is_stream=True, asks_for_usage=self._asks_for_usage())
            )

        return self._stream(self._metadata.chat_path, body, request, api_key=api_key, timeout_s=timeout_s)

    async def exchange_completion(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> CompletionResponse:
        started = time.perf_counter()
        if not self._metadata.has("completions"):
            self._lacks("text completions", model=request.model)
        body = wire.completion_body(request, rules=self._metadata.parameters)
        payload = await self._post(
            self._metadata.completions_path, body, request, holding="choices", api_key=api_key, timeout_s=timeout_s
        )
        response = wire.completion_response(payload, provider=self.name, model=request.model)
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    def exchange_completion_stream(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        def body() -> dict[str, Any]:
            if not self._metadata.has("completions"):
                self._lacks("text completions", model=request.model)
            return wire.completion_body(
                request, rules=self._metadata.parameters, is_stream=True, asks_for_usage=self._asks_for_usage()
            )

        return self._stream(self._metadata.completions_path, body, request, api_key=api_key, timeout_s=timeout_s)

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        started = time.perf_counter()
        if not self._metadata.has("embeddings"):
            self._lacks("embeddings", model=request.model)
        body = wire.embedding_body(request, rules=self._metadata.parameters)
        payload = await self._post(
            self._metadata.embeddings_path, body, request, holding="data", api_key=api_key, timeout_s=timeout_s
        )
        try:
            response = wire.embedding_response(payload, provider=self.name, model=request.model)
        except ValueError as error:
            raise unreadable_answer(str(error), self.connector.context(api_key, request.model)) from error
        response.latency_ms = (time.perf_counter() - started) * 1000
        return response

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        payload = await self.connector.request("GET", self._metadata.models_path, api_key=api_key, timeout_s=timeout_s)
        context = self.connector.context(api_key, None)
        if isinstance(payload, list):
            payload = {"data": payload}
        answer = self._sound(payload, {}, context)
        if not holds_models(answer):
            raise self._pointless(answer, {}, context, lacking="models")
        return model_list(answer, provider=self.name)

    async def check_access(self, *, api_key: str | None = None, timeout_s: float | None = None) -> None:
        if not self._metadata.health_path:
            await self.exchange_models(api_key=api_key, timeout_s=timeout_s)
            return
        payload = await self.connector.request("GET", self._metadata.health_path, api_key=api_key, timeout_s=timeout_s)
        self._sound(payload, {}, self.connector.context(api_key, None))

    # Their parts

    def _rules_for(self, model: str) -> ParameterRules:
        return self._metadata.parameters | self.models.rules_for(model)

    def _asks_for_usage(self) -> bool:
        return bool(self.config.options.get("stream_usage", self._metadata.asks_for_stream_usage))

    def _settled(self, body: dict[str, Any]) -> dict[str, Any]:
        """A chat body with the options that stand for a field of it, where the call doesn't set that field itself."""
        messages = body.get("messages")
        if isinstance(messages, (list, tuple)):
            body["messages"] = fit_messages(
                messages,
                takes_extra_content=self._metadata.takes_extra_content,
                takes_developer_role=self._metadata.takes_developer_role,
            )
        for option in self._metadata.options:
            if option.body and option.body not in body:
                value = self.config.options.get(option.name, option.default)
                if value not in (None, ""):
                    body[option.body] = value
        return body

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        request: ChatRequest | CompletionRequest | EmbeddingRequest,
        *,
        holding: str,
        api_key: str | None,
        timeout_s: float | None,
    ) -> Mapping[str, Any]:
        """The answer's body, which must hold a list of that name with something in it."""
        context = self.connector.context(api_key, request.model)
        built = self.connector.build_request(
            "POST", path, data=body, api_key=api_key, headers=request.headers, timeout_s=timeout_s
        )
        payload, headers = await self.connector.exchange(built, context=context, timeout_s=timeout_s)
        answer = self._sound(payload, headers, context)
        if not as_list(answer.get(holding)):
            raise self._pointless(answer, headers, context, lacking=holding)
        return answer

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
        headers = {**request.headers, "accept": "text/event-stream"}
        built = self.connector.build_request(
            "POST", path, data=body(), api_key=api_key, headers=headers, timeout_s=timeout_s
        )
        response = await self.connector.open_stream(built, context=context, timeout_s=timeout_s)
        decoder, order = SSEDecoder(), ChunkOrder()
        try:
            pieces = self.connector.read_pieces(response, decoder, context=context)
            async for events in pieces:
                for event in events:
                    if event.data.startswith(b"[DONE]"):
                        order.is_done = True
                        break
                    if chunk := self._read_chunk(event, response, context):
                        yield order.settle(chunk)
                if order.is_done:
                    break
            if plain := decoder.plain_body:
                yield order.settle(self._read_whole(plain, response, context))
            if not order.is_complete:
                raise cut_stream(context, status=response.status_code)
            for chunk in order.finish():
                yield chunk
            await self.connector.drain(pieces)
        finally:
            await response.aclose()

    def _read_chunk(self, event: ServerEvent, response: httpx.Response, context: CallContext) -> ChatChunk | None:
        """The chunk in one event, or None for an event that is none. Raises for an error inside the stream."""
        if event.event == "error":
            payload = parse_or_none(event.data)
            said = payload if isinstance(payload, dict) else {"error": event.data.decode("utf-8", "replace").strip()}
            raise error_from_payload(said, status=response.status_code, headers=response.headers, context=context)
        if not event.data.strip():  # some servers keep the connection open with empty events
            return None
        payload = parse_piece(event.data, context)
        if not isinstance(payload, dict):
            return None
        if chunk := text_chunk(payload):
            return chunk
        error = _error_in(payload)
        if error is None and "choices" not in payload and (payload.get("detail") or payload.get("message")):
            error = payload
        if error is not None:
            raise error_from_payload(error, status=response.status_code, headers=response.headers, context=context)
        return wire.chat_chunk(payload)

    def _read_whole(self, body: bytes, response: httpx.Response, context: CallContext) -> ChatChunk:
        """The answer of a server that was asked for a stream and sent one body."""
        answer = self._sound(parse_or_none(body), response.headers, context)
        if not as_list(answer.get("choices")):
            raise self._pointless(answer, response.headers, context, lacking="choices")
        return wire.chat_chunk(answer)

    def _sound(self, payload: Any, headers: Mapping[str, str], context: CallContext) -> Mapping[str, Any]:
        """`payload`, unless it is an error that came with status 200, or no object at all."""
        answer = require_object(payload, headers, context)
        if error := _error_in(answer):
            raise error_from_payload(error, status=200, headers=headers, context=context)
        return answer

    @staticmethod
    def _pointless(
        answer: Mapping[str, Any], headers: Mapping[str, str], context: CallContext, *, lacking: str
    ) -> LLMProviderError:
        """The error for a body of another kind than was asked for: in its own words where it has some."""
        if context.habits.read(answer) is not None:
            return error_from_payload(answer, status=200, headers=headers, context=context)
        return unreadable_answer(f"it holds no {lacking}", context)


def _error_in(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The part of a body or chunk that reports a failure: at its top, or in its first choice (OpenRouter)."""
    if holds_error(payload):
        return payload
    choices = payload.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return None
    if first.get("error"):
        return first
    if failure := failure_in(first.get("finish_reason")):
        return {"error": {"message": failure, "code": first["finish_reason"]}}
    return None
