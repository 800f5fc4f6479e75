"""OpenRouter: what it is told, what it says of the vendors behind it, and what it charges."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers import (
    ChatRequest,
    LLMConfig,
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderManager,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
)
from tests.providers.canned import ASKED, canned, fail, provider_over
from tests.providers.dialect_exchanges import OPENROUTER_USAGE, body
from tests.providers.upstream import Upstream


async def test_the_options_go_where_openrouter_reads_them():
    transport = canned(body({"content": "pong"}))
    options: dict[str, Any] = {
        "site_url": "https://acme.test", "site_name": "Acme", "categories": "cli-agent", "transforms": ["middle-out"],
        "models": ["anthropic/claude-sonnet-4.5", "openai/gpt-4.1"], "plugins": [{"id": "web", "max_results": 3}],
        "provider": {"order": ["Azure", "OpenAI"], "allow_fallbacks": False, "data_collection": "deny", "sort": "price"},
    }  # fmt: skip

    await provider_over(transport, "openrouter", **options).chat_completion(ASKED)

    seen = transport.seen[0]
    assert (seen.headers["http-referer"], seen.headers["x-openrouter-title"]) == ("https://acme.test", "Acme")
    assert seen.headers["x-openrouter-categories"] == "cli-agent"
    assert {name: transport.body[name] for name in ("provider", "models", "transforms", "plugins")} == {
        name: options[name] for name in ("provider", "models", "transforms", "plugins")
    }


async def test_a_call_has_preferences_of_its_own():
    transport = canned(body({"content": "pong"}))
    request = ChatRequest(
        model="m", messages=ASKED.messages, headers={"X-Title": "Tool"},
        extra={"provider": {"only": ["Groq"]}, "models": ["a/b"], "route": "fallback", "reasoning": {"max_tokens": 9}},
    )  # fmt: skip

    await provider_over(transport, "openrouter", provider={"sort": "price"}, models=["c/d"]).chat_completion(request)

    assert transport.body == {"model": "m", "messages": ASKED.messages, **request.extra}
    assert transport.seen[0].headers["x-title"] == "Tool"


async def test_each_agent_is_routed_by_parameters_of_its_own(upstream: Upstream, tmp_path: Path):
    upstream.answer(200, body({"content": "pong"}, usage=OPENROUTER_USAGE, model="x/y"))
    text = f"""
providers: {{openrouter: {{api_key: test-key-alpha, api_base: "{upstream.base_url}"}}}}
models: [{{name: x/y, provider: openrouter}}, {{name: x/z, provider: openrouter}}]
aliases: {{fast: openrouter/x/y, deep: {{targets: [openrouter/x/z], params: {{transforms: []}}}}}}
agents:
  coder: {{alias: fast, params: {{provider: {{sort: throughput}}}}, headers: {{X-Title: Coder}}}}
  judge: {{alias: deep, params: {{models: [x/y]}}}}
"""
    (tmp_path / "llm_config.yaml").write_text(text, encoding="utf-8")
    config = LLMConfig.from_yaml(tmp_path / "llm_config.yaml")

    async with LLMProviderManager(config) as manager:
        result = await manager.acall_model(prompt="Hi", model_name="coder")
        await manager.acall_model(prompt="Hi", model_name="judge")

    coder, judge = upstream.seen
    assert (coder.json["model"], coder.json["provider"], coder.headers["x-title"]) == (
        "x/y",
        {"sort": "throughput"},
        "Coder",
    )
    assert (judge.json["model"], judge.json["models"], judge.json["transforms"]) == ("x/z", ["x/y"], [])
    assert result["cost_usd"] == Decimal("0.00014")


FLAGGED = {
    "reasons": ["violence", "hate"],
    "flagged_input": "…",
    "provider_name": "OpenAI",
    "model_slug": "openai/gpt-4.1",
}


@pytest.mark.parametrize(
    ("status", "metadata", "expected", "message"),
    [
        (401, None, LLMProviderAuthenticationError, "Said."),
        (402, {"limit_source": "openrouter_in_flight_budget"}, LLMProviderResourceExhaustedError, "Said."),
        (403, {"buyer": "x"}, LLMProviderAuthenticationError, "Said."),
        (403, FLAGGED, LLMProviderInvalidRequestError, "Said. (OpenAI): violence, hate"),
        (408, None, LLMProviderTimeoutError, "Said."),
        (429, {"raw": "x is rate-limited upstream.", "provider_name": "Chutes"}, LLMProviderRateLimitError,
         "Said. (Chutes): x is rate-limited upstream."),
        (502, {"raw": '{"error":{"message":"Overloaded","type":"overloaded_error"}}', "provider_name": "Anthropic"},
         LLMProviderServiceError, "Said. (Anthropic): Overloaded"),
        (502, {"raw": {"message": "Inner"}}, LLMProviderServiceError, "Said.: Inner"),
        (502, {"raw": None, "provider_name": "Azure"}, LLMProviderServiceError, "Said."),
        (503, {}, LLMProviderServiceError, "Said."),
    ],
)  # fmt: skip
async def test_failures_name_the_vendor_behind_and_what_it_said(
    status: int, metadata: Any, expected: type[LLMProviderError], message: str
):
    said = {"error": {"code": status, "message": "Said.", "metadata": metadata}, "user_id": "user_1"}

    behind_the_status = await fail("openrouter", said, status=status)
    behind_200 = await fail("openrouter", said)
    in_a_choice = await fail("openrouter", {"choices": [{"error": said["error"], "finish_reason": "error"}]})

    for error in (behind_the_status, behind_200, in_a_choice):
        assert (type(error), error.status, error.message) == (expected, status, message)


async def test_an_unknown_model_is_one_though_the_status_is_400():
    error = await fail("openrouter", {"error": {"code": 400, "message": "x/y is not a valid model ID"}}, status=400)

    assert (type(error), error.fails_over) == (LLMProviderModelError, True)


async def test_a_limit_is_told_within_the_body():
    reset = str(int((time.time() + 60) * 1000))
    metadata = {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}}

    error = await fail("openrouter", {"error": {"code": 429, "message": "Limit", "metadata": metadata}}, status=429)

    assert error.retry_after_s == pytest.approx(60, abs=5)


async def test_a_limit_whose_reset_has_passed_says_nothing_of_how_long_to_wait():
    metadata = {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1741305600000"}}

    error = await fail("openrouter", {"error": {"code": 429, "message": "Limit", "metadata": metadata}}, status=429)

    assert error.retry_after_s is None
