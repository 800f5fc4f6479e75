"""`LLMProvider`: one vendor or server that answers chats. What every provider folder implements."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self, TypeVar

import httpx

from providers.base.connector import BaseConnector
from providers.base.health import report_on
from providers.base.metadata import Capability, ConfigRequirements, ProviderMetadata
from providers.base.models import ModelCatalogue, load_models
from providers.base.retried_stream import RetriedStream
from providers.config import LLMProviderConfig
from providers.errors import LLMProviderError, LLMProviderInvalidRequestError
from providers.retry import RetryPolicy, with_retry
from providers.types import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    CompletionResponse,
    EmbeddingRequest,
    EmbeddingResponse,
    HealthReport,
    ModelInfo,
)

Answer = TypeVar("Answer")
HEALTH_TIMEOUT_S = 10.0

_CAPABILITY_OF_PART: dict[str, Capability] = {"image_url": "vision", "file": "documents", "input_audio": "audio"}


class LLMProvider(ABC):
    """One provider, ready to be called from any number of tasks at once.

    `chat_completion` and its kin ask again after retryable errors, as `config.max_retries` says. `exchange_chat` and its
    kin make exactly one call; the router builds on those, since retries and fallbacks are its business. Every method
    raises the error tree only. `api_key` replaces the config's key for one call, `timeout_s` its time limit.
    """

    metadata: ClassVar[ProviderMetadata]
    connector_class: ClassVar[type[BaseConnector]] = BaseConnector
    folder: ClassVar[Path | None] = None
    """Where `models.toml` lies: beside the module of the class."""

    def __init__(
        self,
        config: LLMProviderConfig | None = None,
        *,
        metadata: ProviderMetadata | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        connector: BaseConnector | None = None,
        folder: Path | None = None,
    ) -> None:
        self._metadata = metadata or self.metadata
        self.config = config or LLMProviderConfig(kind=self._metadata.slug)
        self.connector = connector or self.connector_class(self.config, metadata=self._metadata, transport=transport)
        self._folder = folder or self.folder
        self._retry_policy = RetryPolicy.from_config(self.config)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        path = getattr(sys.modules.get(cls.__module__), "__file__", None)
        cls.folder = Path(path).parent if path else None

    # What it is

    @property
    def name(self) -> str:
        """What the config calls this provider; the slug where it has no name of its own."""
        return self.connector.name

    @property
    def provider_type(self) -> str:
        """The slug of the provider's folder."""
        return self._metadata.slug

    @property
    def description(self) -> ProviderMetadata:
        """The metadata of this very provider."""
        return self._metadata

    @property
    def models(self) -> ModelCatalogue:
        return load_models(self._folder) if self._folder else ModelCatalogue()

    def get_config_requirements(self) -> ConfigRequirements:
        return ConfigRequirements.from_metadata(self._metadata)

    def get_available_models(self) -> list[ModelInfo]:
        """The models known from the folder's `models.toml`, without a call; `list_models()` asks the vendor."""
        return [
            ModelInfo(
                name=entry.name,
                provider=self.name,
                context_window=entry.context_window,
                max_output_tokens=entry.max_output_tokens,
                capabilities=entry.capabilities,
            )
            for entry in self.models.models.values()
        ]

    def supports_model(self, name: str) -> bool:
        """Whether `name` may be asked for: it is listed, or this provider's list is open (or nothing is listed)."""
        models = self.models
        return (
            self._metadata.takes_any_model
            or not models.models
            or models.find(name.removeprefix(f"{self.name}/")) is not None
        )

    # Its life

    async def initialize(self) -> None:
        """Check the settings that can be checked without a call. Raises the error tree; calling twice is harmless."""
        self.connector.base_url()
        self.connector.auth_headers(None)

    async def shutdown(self) -> None:
        await self.connector.close()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    # Calls that ask again

    async def chat_completion(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse:
        return await self._retrying(lambda: self.exchange_chat(request, api_key=api_key, timeout_s=timeout_s))

    async def text_completion(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> CompletionResponse:
        return await self._retrying(lambda: self.exchange_completion(request, api_key=api_key, timeout_s=timeout_s))

    async def embed(
        self, request: EmbeddingRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> EmbeddingResponse:
        return await self._retrying(lambda: self.exchange_embed(request, api_key=api_key, timeout_s=timeout_s))

    def chat_completion_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        """The answer piece by piece. Asks again only while nothing has arrived; a cut stream ends in an error.

        Closing the iterator closes the connection to the vendor at once.
        """
        return RetriedStream(
            lambda: self.exchange_chat_stream(request, api_key=api_key, timeout_s=timeout_s), self._retry_policy
        )

    def text_completion_stream(
        self, request: CompletionRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]:
        return RetriedStream(
            lambda: self.exchange_completion_stream(request, api_key=api_key, timeout_s=timeout_s), self._retry_policy
        )

    async def list_models(self, *, api_key: str | None = None, timeout_s: float | None = None) -> list[ModelInfo]:
        """What the vendor offers now; a free call."""
        return await self._retrying(lambda: self.exchange_models(api_key=api_key, timeout_s=timeout_s))

    async def health_check(self, api_key: str | None = None, *, timeout_s: float = HEALTH_TIMEOUT_S) -> HealthReport:
        """One free call that needs the key. Never raises for a provider's failure: the report says what is wrong."""
        started = time.perf_counter()
        try:
            await self.check_access(api_key=api_key, timeout_s=timeout_s)
        except LLMProviderError as error:
            return report_on(error, latency_ms=_ms_since(started))
        return HealthReport(is_healthy=True, latency_ms=_ms_since(started))

    # One exchange each

    @abstractmethod
    async def exchange_chat(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> ChatResponse: ...

    @abstractmethod
    def exchange_chat_stream(
        self, request: ChatRequest, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[ChatChunk]: ...

    @abstractmethod
    async def exchange_models(
        self, *, api_key: str | None = None, timeout_s: float | None = None
    ) -> list[ModelInfo]: ...

    async def check_access(self, *, api_key: str | None = None, timeout_s: float | None = None) -> None:
        """The free call behind `health_check`. Raises the error tree."""
        await self.exchange_models(api_key=api_key, timeout_s=timeout_s)

    async def exchange_completion(
        self,
        request: CompletionRequest,
        *,
        api_key: str | None = None,  # noqa: ARG002 - for those that offer it
        timeout_s: float | None = None,  # noqa: ARG002
    ) -> CompletionResponse:
        self._lacks("text completions", model=request.model)

    def exchange_completion_stream(
        self,
        request: CompletionRequest,
        *,
        api_key: str | None = None,  # noqa: ARG002
        timeout_s: float | None = None,  # noqa: ARG002
    ) -> AsyncIterator[ChatChunk]:
        async def refused() -> AsyncIterator[ChatChunk]:
            self._lacks("text completions", model=request.model)
            yield ChatChunk()

        return refused()

    async def exchange_embed(
        self,
        request: EmbeddingRequest,
        *,
        api_key: str | None = None,  # noqa: ARG002
        timeout_s: float | None = None,  # noqa: ARG002
    ) -> EmbeddingResponse:
        self._lacks("embeddings", model=request.model)

    # For adapters

    def require_capabilities(self, request: ChatRequest) -> None:
        """Raise `LLMProviderInvalidRequestError` where the chat needs something that this vendor lacks."""
        offered = self._metadata.capabilities
        if request.tools and "tools" not in offered:
            self._lacks("tools", model=request.model)
        if request.response_format and request.response_format.get("type") != "text" and "json" not in offered:
            self._lacks("structured output", model=request.model)
        missing = {kind for kind, capability in _CAPABILITY_OF_PART.items() if capability not in offered}
        if not missing:
            return
        for message in request.messages:
            content = message.get("content") if isinstance(message, Mapping) else None
            for part in content if isinstance(content, list) else ():
                kind = part.get("type") if isinstance(part, dict) else None
                if isinstance(kind, str) and kind in missing:
                    self._lacks(f"{_CAPABILITY_OF_PART[kind]} input", model=request.model)

    def _lacks(self, what: str, *, model: str) -> NoReturn:
        raise LLMProviderInvalidRequestError(
            f"{self._metadata.label} offers no {what} here. Use a model of another provider.",
            provider=self.name,
            model=model,
            code="unsupported",
        )

    async def _retrying(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        return await with_retry(call, policy=self._retry_policy)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
