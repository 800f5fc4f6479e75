"""Time that only moves when told to, and a provider that answers as scripted: for tests of routing alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.base.metadata import ProviderMetadata
from providers.base.provider import LLMProvider
from providers.config import LLMProviderConfig, PriceConfig
from providers.health import HealthBoard
from providers.plan import Plan, PlannedKey, PlannedTarget
from providers.router import Router
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

METADATA = ProviderMetadata(slug="scripted", label="Scripted", docs_url="https://example.invalid/docs")


class Clock:
    """A clock and the sleep that moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class ScriptedProvider(LLMProvider):
    """Each call takes the next step of `script`: an error is raised, text or chunks are answered, the last one repeats.

    A step may be a function that is called for the real one, for instance to let time pass.
    """

    def __init__(self, *script: Any, name: str = "scripted", **settings: Any) -> None:
        super().__init__(LLMProviderConfig(name=name, kind="scripted", **settings), metadata=METADATA)
        self.script = list(script) or ["pong"]
        self.calls: list[tuple[Any, str | None, float | None]] = []
        self.closed_streams = 0

    def _step(self, request: Any, api_key: str | None, timeout_s: float | None) -> Any:
        self.calls.append((request, api_key, timeout_s))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(step) and not isinstance(step, type):
            step = step()
        if isinstance(step, BaseException):
            raise step
        return step

    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        step = self._step(request, api_key, timeout_s)
        if step is HANG:
            await asyncio.Event().wait()
        return ChatResponse(text=step, model=request.model, provider=self.name)

    async def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        try:
            for piece in self._step(request, api_key, timeout_s):
                if piece is HANG:
                    await asyncio.Event().wait()
                if isinstance(piece, BaseException):
                    raise piece
                yield piece if isinstance(piece, ChatChunk) else ChatChunk(text=piece)
        finally:
            self.closed_streams += 1

    async def exchange_completion(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> CompletionResponse:
        return CompletionResponse(self._step(request, api_key, timeout_s), model=request.model, provider=self.name)

    async def exchange_embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        return EmbeddingResponse(self._step(request, api_key, timeout_s), model=request.model, provider=self.name)

    async def exchange_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        return []


HANG = object()
"""A step that never ends."""


def target(
    provider: ScriptedProvider,
    *,
    model: str = "m",
    keys: Sequence[str] = (),
    context_window: int | None = None,
    price: PriceConfig | None = None,
    weight: int = 1,
    **params: Any,
) -> PlannedTarget:
    return PlannedTarget(
        provider=provider,
        provider_name=provider.name,
        model=model,
        params=params,
        keys=tuple(PlannedKey(key, label=key, reveal=reveal(f"secret-{key}")) for key in keys),
        weight=weight,
        context_window=context_window,
        price=price,
    )


def reveal(text: str) -> Callable[[], str]:
    return lambda: text


def plan(*targets: PlannedTarget, **settings: Any) -> Plan:
    return Plan(targets=targets, **settings)


def router(clock: Clock, **health: Any) -> Router:
    board = HealthBoard(clock=clock, **health)
    return Router(health=board, clock=clock, now=clock.now, sleep=clock.sleep, rng=lambda: 1.0)


CHAT = ChatRequest(model="alias", messages=[{"role": "user", "content": "ping"}])
