"""A vLLM server's health path: it lies beside `/v1`, answers without a body, and asks for no key."""

from __future__ import annotations

from providers.base.connector import BaseConnector
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.errors import LLMProviderModelError
from providers.vllm.metadata import METADATA


class VLLMConnector(BaseConnector):
    """HTTP to a vLLM server."""

    metadata = METADATA

    def url_of(self, path: str) -> str:
        if path == METADATA.health_path:
            return self.base_url().removesuffix("/v1") + path
        return super().url_of(path)


class VLLMProvider(OpenAICompatibleProvider):
    """Models on a vLLM server; which ones, `list_models()` finds out."""

    metadata = METADATA
    connector_class = VLLMConnector

    async def check_access(self, *, api_key: str | None = None, timeout_s: float | None = None) -> None:
        """Ask the engine how it is. A key, which the health path does not look at, is tried on the model list."""
        if not (api_key or self.config.api_key):
            try:
                await self._ask_engine(timeout_s=timeout_s)
            except LLMProviderModelError:  # a proxy before the server that passes only /v1 on
                pass
            else:
                return
        await self.exchange_models(api_key=api_key, timeout_s=timeout_s)

    async def _ask_engine(self, *, timeout_s: float | None) -> None:
        request = self.connector.build_request("GET", METADATA.health_path, timeout_s=timeout_s)
        context = self.connector.context(None, None)
        response = await self.connector.open_stream(request, context=context, timeout_s=timeout_s)
        await response.aclose()


PROVIDER = VLLMProvider
