"""The live provider layer: one interface to every LLM vendor, with routing, retries, fallback and prices.

Everything public is reached from here and loaded when first used, so that importing the package costs next to nothing:

    from providers import ChatRequest, create_provider

Names that a provider folder offers (`create_openai_llm`, `AzureConnector` …) are found through the registry.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

_NAMES_BY_MODULE = {
    "providers.types": (
        "ChatChunk ChatRequest ChatResponse CompletionRequest CompletionResponse EmbeddingRequest EmbeddingResponse "
        "HealthReport ModelInfo ToolCall ToolCallDelta Usage"
    ),
    "providers.errors": (
        "LLMProviderError LLMProviderConnectionError LLMProviderAuthenticationError LLMProviderRateLimitError "
        "LLMProviderResourceExhaustedError LLMProviderInvalidRequestError LLMProviderServiceError "
        "LLMProviderTimeoutError LLMProviderModelError"
    ),
    "providers.config": (
        "AgentConfig AliasConfig ConfigError KeyConfig LLMConfig LLMModelConfig LLMProviderConfig PriceConfig "
        "PriceTier Resolution ResolvedTarget TargetConfig UnknownNameError"
    ),
    "providers.llm_config": "LLM_PROVIDERS MODEL_ALIASES current_config get_llm_provider_config get_model_real_name set_current_config",
    "providers.client": "ConfigAccessError ConfigClient ConfigUnavailableError",
    "providers.manager": "LLMProviderManager",
    "providers.registry": (
        "ProviderFactory ProviderRegistry ProviderType create_llm create_provider get_llm_provider "
        "register_llm_provider"
    ),
    "providers.router": "Attempt Outcome Plan PlannedKey PlannedTarget Router StreamOutcome",
    "providers.health": "HealthBoard",
    "providers.cost": "CostBreakdown CostCalculator price_usage",
    "providers.cache": "ResponseCache",
    "providers.strategies": "register_strategy",
    "providers.transport": "AddressPolicy",
    "providers.base.provider": "LLMProvider",
    "providers.base.connector": "BaseConnector",
    "providers.base.llm": "BaseLLM",
    "providers.base.metadata": "ConfigRequirements ModelMetadata ProviderMetadata",
}
_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__all__ = sorted(_MODULE_BY_NAME)  # noqa: PLE0605 - built from the table above, so that each name stands once


def __getattr__(name: str) -> Any:
    module = _MODULE_BY_NAME.get(name)
    if module is not None:
        value = getattr(import_module(module), name)
    elif name.startswith("_") or find_spec(f"providers.{name}"):  # a submodule: the import system goes on
        raise AttributeError(f"module 'providers' has no attribute '{name}'")
    else:
        from providers.registry import lookup

        value = lookup(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
