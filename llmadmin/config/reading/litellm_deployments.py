"""One entry of LiteLLM's `model_list`: at which provider it is, under which name, with which parameters and prices.

The names are those of LiteLLM's public documentation (docs.litellm.ai: proxy/configs, proxy/config_settings, providers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from llmadmin.catalog.kinds import catalogue_of
from providers.environment import listed_price

KINDS = {
    **{
        name: name
        for name in ("openai", "azure", "anthropic", "openrouter", "portkey", "huggingface", "mistral", "cohere")
    },
    **{name: name for name in ("ollama", "vllm")},
    **dict.fromkeys(("openai_like", "custom_openai", "litellm_proxy", "lm_studio", "llamafile", "xinference"), "local"),
    "text-completion-openai": "openai",
    "azure_text": "azure",
    "cohere_chat": "cohere",
    "ollama_chat": "ollama",
    "hosted_vllm": "vllm",
    "gemini": "google",
}
"""What LiteLLM puts before a model's name → the provider folder that speaks to it."""
COMPATIBLE = {
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "xai": "https://api.x.ai/v1",
    "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "perplexity": "https://api.perplexity.ai",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "hyperbolic": "https://api.hyperbolic.xyz/v1",
}
"""Vendors that speak OpenAI's dialect: the folder `local` with their address."""
_BARE = (
    (r"(gpt-|o[134](-|$)|chatgpt-|text-embedding-|ft:|davinci|babbage)", "openai"),
    (r"claude-", "anthropic"),
    (r"(command|embed-)", "cohere"),
    (r"(mistral-|open-mi|codestral|ministral)", "mistral"),
)
"""Whose model it is where LiteLLM leaves the provider out."""
_PARAMS = frozenset(
    {
        *("temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "seed", "n", "user"),
        *("presence_penalty", "frequency_penalty", "logit_bias", "response_format", "reasoning_effort"),
        *("tools", "tool_choice", "parallel_tool_calls"),
    }
)
_PRICES = {
    "input_cost_per_token": "input_usd_per_mtok",
    "output_cost_per_token": "output_usd_per_mtok",
    "cache_read_input_token_cost": "cached_input_usd_per_mtok",
    "cache_creation_input_token_cost": "cache_write_usd_per_mtok",
    "output_cost_per_reasoning_token": "reasoning_usd_per_mtok",
}
_CAPABILITIES = {
    "supports_vision": "vision",
    "supports_function_calling": "tools",
    "supports_response_schema": "json",
    "supports_reasoning": "reasoning",
    "supports_audio_input": "audio",
    "supports_pdf_input": "documents",
}
_NO_KEY = frozenset({"", "none", "null", "empty", "anything", "fake-key", "fake", "dummy"})
_KEYLESS = frozenset({"local", "ollama", "vllm"})


@dataclass(slots=True)
class Deployment:
    """One place where a group's calls may go. `left_out` says why it can't be carried over, or is empty."""

    group: str
    path: str
    prefix: str = ""
    kind: str = ""
    model: str = ""
    provider: dict[str, Any] = field(default_factory=dict)
    key: tuple[str, str | None] | None = None
    """The key's label and its text, None where that is not known here."""
    entry: dict[str, Any] = field(default_factory=dict)
    """What is known of the model itself: window, limit, capabilities, price."""
    params: dict[str, Any] = field(default_factory=dict)
    share: float = 0
    """Its weight, or its rpm or tpm, by which LiteLLM weighs too."""
    order: int = 0
    timeout_s: Any = None
    max_retries: Any = None
    dropped: list[str] = field(default_factory=list)
    left_out: str = ""


class Taker:
    """Takes known names out of a mapping; what is left was not understood."""

    def __init__(self, raw: Mapping[str, Any], section: str) -> None:
        self._left = {str(name): value for name, value in raw.items() if value is not None}
        self._section = section

    def take(self, *names: str) -> Any:
        values = [self._left.pop(name) for name in names if name in self._left]
        return values[0] if values else None

    def take_all(self, names: Any) -> dict[str, Any]:
        return {name: self._left.pop(name) for name in list(self._left) if name in names}

    def rest(self) -> list[str]:
        return [f"{self._section}.{name}" for name in self._left]


def read_deployment(group: str, path: str, params: Mapping[str, Any], info: Mapping[str, Any]) -> Deployment:
    """A deployment from its `litellm_params`, with references resolved (a key's as `(label, text)`), and `model_info`."""
    given, about = Taker(params, "litellm_params"), Taker(info, "model_info")
    found = Deployment(group, path)
    found.key = given.take("api_key", "azure_ad_token")
    base_url = str(given.take("api_base", "base_url") or "").strip()
    _place(found, str(given.take("model") or ""), str(given.take("custom_llm_provider") or ""), base_url)
    if found.left_out:
        return found
    found.provider = _provider(found, given, base_url, uses_token="azure_ad_token" in params)
    if (
        found.kind in _KEYLESS
        and found.key
        and (found.key[1] or "").strip().lower() in _NO_KEY
        and found.key[1] is not None
    ):
        found.key = None
    base_model = str(about.take("base_model") or given.take("base_model") or "").rpartition("/")[2]
    found.entry = _model_entry(found, given, about, base_model=base_model)
    found.params = given.take_all(_PARAMS)
    found.share = _share(given)
    found.order = int(_number(given.take("order")))
    found.timeout_s = given.take("timeout", "request_timeout")
    found.max_retries = given.take("max_retries", "num_retries")
    about.take("id", "mode", "db_model")
    found.dropped = [*given.rest(), *about.rest()]
    return found


def _place(found: Deployment, model: str, custom: str, base_url: str) -> None:
    """Which provider, which kind, which name."""
    prefix, _, rest = model.partition("/")
    if custom:
        prefix, rest = custom, rest if prefix == custom else model
    elif prefix not in KINDS and prefix not in COMPATIBLE:
        bare = next((kind for pattern, kind in _BARE if re.match(pattern, model)), "")
        is_foreign = bool(rest) and not base_url
        prefix, rest = ("", "") if is_foreign else (bare or ("openai" if base_url else ""), model)
    if "*" in model or "*" in found.group:
        found.left_out = (
            f"{model or found.group} stands for every model. Add the models that callers need to the provider"
        )
    elif not prefix or not rest:
        vendor = model.partition("/")[0] or "a model without a name"
        found.left_out = f"there is no provider here that speaks to {vendor}"
    found.prefix, found.model = prefix, rest
    found.kind = KINDS.get(prefix, "local")
    if prefix not in KINDS and prefix not in COMPATIBLE and not found.left_out and not base_url:
        found.left_out = f"there is no provider here that speaks to {prefix}"
    if found.kind == "azure":
        found.model = re.sub(r"^(o_series|gpt5_series|responses)/", "", rest)
    if found.kind == "openai" and base_url and urlsplit(base_url).hostname != "api.openai.com":
        found.kind = "local"


def _provider(found: Deployment, given: Taker, base_url: str, *, uses_token: bool) -> dict[str, Any]:
    """The provider's settings as our file writes them."""
    entry: dict[str, Any] = {"kind": found.kind}
    address = _address(found, base_url) or COMPATIBLE.get(found.prefix, "")
    if address:
        entry["base_url"] = address
    for name in ("organization", "api_version"):
        value = given.take(name)
        if value is not None:
            entry[name] = str(value)
    if uses_token:
        entry["auth"] = "entra"
    headers = given.take("extra_headers", "headers")
    if isinstance(headers, Mapping) and headers:
        entry["headers"] = {str(name): str(value) for name, value in headers.items()}
    if not address and found.kind in ("azure", "local"):
        found.left_out = "it names no api_base, and this kind of provider has no address of its own"
    elif address and not re.match(r"https?://[^/\s<>]+", address):
        found.left_out = f"its api_base '{address}' is no address"
    return entry


def _address(found: Deployment, base_url: str) -> str:
    """The root as our folders want it: they add the path of a call themselves."""
    address = base_url.rstrip("/")
    if found.kind == "azure":
        return re.sub(r"/openai(/deployments)?(/.*)?$|\?.*$", "", address) if "/openai/v1" not in address else address
    if found.kind in ("anthropic", "cohere", "google"):
        return re.sub(r"/v\d(beta)?(/.*)?$", "", address)
    if found.kind == "huggingface" and address and not address.endswith("/v1"):
        return f"{address}/v1"
    return re.sub(r"/chat/completions$", "", address)


def _model_entry(found: Deployment, given: Taker, about: Taker, *, base_model: str) -> dict[str, Any]:
    window, limit, most = about.take("max_input_tokens"), about.take("max_output_tokens"), about.take("max_tokens")
    flags = about.take_all(_CAPABILITIES)
    entry: dict[str, Any] = {
        "context_window": int(_number(window)) or None,
        "max_output_tokens": int(_number(limit or most)) or None,
        "capabilities": [_CAPABILITIES[name] for name, value in flags.items() if value],
    }
    rates = {**about.take_all(_PRICES), **given.take_all(_PRICES)}
    price = {_PRICES[name]: per_million(value) for name, value in rates.items()}
    price = {name: value for name, value in price.items() if value is not None}
    return entry | {"price": price, "listed_as": base_model or found.model}


def per_million(rate: Any) -> str | None:
    """US dollars for one token, such as `1.5e-06`, as dollars for a million: `1.5`. None for what is no number."""
    try:
        amount = Decimal(str(rate)) * 1_000_000
    except InvalidOperation:
        return None
    return format(amount.normalize(), "f") if amount.is_finite() and amount >= 0 else None


def known_model(kind: str, name: str) -> dict[str, Any]:
    """What the vendor's list says of it, price included: LiteLLM brings a table of its own, so its files mostly say nothing."""
    known = catalogue_of(kind).find(name)
    if known is None:
        return {}
    return {
        "context_window": known.context_window,
        "max_output_tokens": known.max_output_tokens,
        "capabilities": sorted(known.capabilities),
        "price": listed_price(kind, name),
    }


def _share(given: Taker) -> float:
    weight, rpm, tpm = given.take("weight"), given.take("rpm"), given.take("tpm")
    return next((number for value in (weight, rpm, tpm) if (number := _number(value)) > 0), 0)


def _number(value: Any) -> float:
    try:
        return max(0.0, float(value)) if not isinstance(value, bool) and value is not None else 0.0
    except (TypeError, ValueError):
        return 0.0
