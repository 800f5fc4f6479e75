"""Mistral's API: OpenAI's dialect, with requests that hold nothing it doesn't know."""

from __future__ import annotations

from collections.abc import AsyncIterator

from providers.base.connector import BaseConnector
from providers.base.failures import ErrorHabits
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.mistral.metadata import METADATA
from providers.mistral.requests import fit
from providers.types import ChatChunk, ChatRequest, ChatResponse


class MistralConnector(BaseConnector):
    """HTTP to Mistral."""

    metadata = METADATA
    error_habits = ErrorHabits(
        request_id_header="mistral-correlation-id",
        reset_headers=("ratelimitbysize-reset", "x-ratelimit-reset", "ratelimit-reset"),
    )


class MistralProvider(OpenAICompatibleProvider):
    """Models at Mistral."""

    metadata = METADATA
    connector_class = MistralConnector

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        return await super().exchange_chat(fit(request), api_key=api_key, timeout_s=timeout_s)

    def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        return super().exchange_chat_stream(fit(request), api_key=api_key, timeout_s=timeout_s)


PROVIDER = MistralProvider
