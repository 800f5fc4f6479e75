"""What a failed check of a provider means, told apart by step and with the usual mend."""

from __future__ import annotations

from typing import Literal

from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderConnectionError,
    LLMProviderError,
    LLMProviderModelError,
    LLMProviderTimeoutError,
)
from providers.types import HealthReport

Step = Literal["ok", "address", "dns", "refused", "tls", "timeout", "key", "model", "upstream"]

_STEP_BY_CODE: dict[str | None, Step] = {
    "address": "address",
    "address_refused": "address",
    "dns": "dns",
    "refused": "refused",
    "tls": "tls",
}


def report_on(error: LLMProviderError, *, latency_ms: float) -> HealthReport:
    """The report of a check that ended in `error`."""
    step, mend = _step_and_mend(error)
    message = f"{error.message} {mend}".strip()
    return HealthReport(is_healthy=False, latency_ms=latency_ms, step=step, message=message)


def _step_and_mend(error: LLMProviderError) -> tuple[Step, str]:
    if isinstance(error, LLMProviderConnectionError):
        return _STEP_BY_CODE.get(error.code, "upstream"), ""
    if isinstance(error, LLMProviderTimeoutError):
        return "timeout", ""
    if isinstance(error, LLMProviderAuthenticationError):
        return "key", "" if error.status is None else "Check the API key, and that it belongs to this provider."
    if isinstance(error, LLMProviderModelError):
        return "address", "The server answers, but not at this path: check the end of the base URL (often /v1)."
    if error.code == "unreadable_answer":
        return "address", "Another kind of server may be at this address: check the base URL."
    return "upstream", ""
