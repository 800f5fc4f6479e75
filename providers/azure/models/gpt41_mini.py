"""GPT-4.1 mini in Azure. Source: https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/models-sold-directly-by-azure"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from providers.azure.connector import AzureBaseLLM
from providers.base.connector import BaseConnector
from providers.base.metadata import ModelMetadata
from providers.base.provider import LLMProvider


class GPT41MiniMetadata(ModelMetadata):
    """Limits in tokens, costs in USD per thousand tokens of a global standard deployment."""

    NAME: ClassVar[str] = "gpt-4.1-mini"
    MAX_TOKENS: ClassVar[int | None] = 32_768
    CONTEXT_WINDOW: ClassVar[int | None] = 1_047_576
    COST_PER_1K_INPUT: ClassVar[Any] = Decimal("0.0004")
    COST_PER_1K_OUTPUT: ClassVar[Any] = Decimal("0.0016")
    SUPPORTED_PARAMS: ClassVar[frozenset[str]] = frozenset(
        {
            "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "n", "seed", "user",
            "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
            "tools", "tool_choice", "parallel_tool_calls", "response_format", "prediction", "store", "metadata",
            "deployment_name",
        }
    )  # fmt: skip


class GPT41MiniLLM(AzureBaseLLM):
    """GPT-4.1 mini, asked with the newer name of the output limit."""

    def __init__(
        self,
        connector: BaseConnector | LLMProvider,
        metadata: type[ModelMetadata] | None = None,
        *,
        model: str | None = None,
    ) -> None:
        super().__init__(connector, metadata or GPT41MiniMetadata, model=model)

    def _transform_parameters(self, params: dict[str, Any]) -> dict[str, Any]:
        ready = super()._transform_parameters(params)
        if "max_tokens" in ready:
            ready.setdefault("max_completion_tokens", ready.pop("max_tokens"))
        return ready
