"""What a caller of the gateway is told when a call fails: a status, and a body in OpenAI's form.

An upstream's 401 must not reach the caller as 401, since the caller's own key is fine; a target that is down is a 502 of
ours. The upstream's words are kept, without secrets; what went on inside stays inside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from llmadmin.core.errors import type_of_status
from llmadmin.core.redaction import redact_text
from providers.errors import LLMProviderError

MAX_MESSAGE_CHARS = 2_000
DEFAULT_RETRY_AFTER_S = 5
_FINAL = {"x-should-retry": "false"}


class GatewayError(Exception):
    """A refused or failed call. `kind`, `code` and `param` are OpenAI's `type`, `code` and `param`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def to_openai(self, *, request_id: str) -> dict[str, Any]:
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
                "request_id": request_id,
            }
        }

    def to_rest(self, *, request_id: str) -> dict[str, Any]:
        """The error body of the REST API."""
        error = {
            "type": type_of_status(self.status),
            "code": self.code,
            "message": self.message,
            "request_id": request_id,
        }
        return {"error": {**error, "fields": {self.param: self.message}} if self.param else error}


def bad_key(message: str = "Incorrect service key provided. Make one on the Services page.") -> GatewayError:
    return GatewayError(
        401, message, kind="authentication_error", code="invalid_api_key", headers={"www-authenticate": "Bearer"}
    )


def not_allowed(message: str, *, param: str | None = None) -> GatewayError:
    return GatewayError(403, message, kind="permission_error", code="not_allowed", param=param)


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> GatewayError:
    return GatewayError(400, message, code=code, param=param)


def not_ready() -> GatewayError:
    return GatewayError(
        503,
        "No config has been loaded yet. Try again in a moment; /readyz says what is missing.",
        kind="server_error",
        code="not_ready",
        headers={"retry-after": "1"},
    )


def internal() -> GatewayError:
    return GatewayError(
        500,
        "Something went wrong inside llmadmin. The request id finds it in the log.",
        kind="server_error",
        code="internal",
    )


_BY_CLASS: dict[str, tuple[int, str, str]] = {
    "connection": (502, "upstream_unreachable", "The provider could not be reached"),
    "authentication": (502, "upstream_key_refused", "The provider did not take our API key"),
    "resource_exhausted": (503, "upstream_out_of_credit", "The provider says that our credit or quota is used up"),
    "service": (502, "upstream_failed", "The provider failed"),
    "timeout": (504, "upstream_timeout", "The provider did not answer in time"),
    "model": (502, "upstream_model_unavailable", "The provider does not have this model for us"),
}
_HOPELESS = frozenset({"authentication", "resource_exhausted", "model"})


def from_provider(error: LLMProviderError) -> GatewayError:
    """What the caller is told of an upstream's failure."""
    words = redact_text(error.message)[:MAX_MESSAGE_CHARS]
    if error.error_class == "invalid_request":
        status = error.status if error.status in (400, 413, 422) else 400
        return GatewayError(status, words, code=error.code or "invalid_request")
    if error.error_class == "rate_limit":
        wait_s = math.ceil(error.retry_after_s) if error.retry_after_s else DEFAULT_RETRY_AFTER_S
        message = f"The provider is limiting our calls: {words}"
        headers = {"retry-after": str(max(1, wait_s))}
        return GatewayError(429, message, kind="rate_limit_error", code="upstream_rate_limited", headers=headers)
    status, code, opening = _BY_CLASS.get(error.error_class, _BY_CLASS["service"])
    headers = dict(_FINAL) if error.error_class in _HOPELESS or error.code == "no_target" else {}
    if status == 502 and (error.status in (503, 529) or error.code == "no_target"):
        status = 503
    if error.retry_after_s:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return GatewayError(status, f"{opening}: {words}", kind="upstream_error", code=code, headers=headers)
