"""The error tree of the provider layer.

    LLMProviderError
    ├── LLMProviderConnectionError         no answer came: DNS, refused, TLS, cut connection
    ├── LLMProviderAuthenticationError     401, 403: the key is wrong or may not do this
    ├── LLMProviderRateLimitError          429: too fast
    ├── LLMProviderResourceExhaustedError  402, exhausted quota: no credit left
    ├── LLMProviderInvalidRequestError     400, 413, 422: the request itself
    ├── LLMProviderServiceError            5xx, broken answer: their fault
    ├── LLMProviderTimeoutError            408, 504, or nothing within `timeout_s`
    └── LLMProviderModelError              404, retired or unloaded model

Two questions are asked of each error: `retryable` (may the same target answer if asked again?) and `fails_over` (may
another target answer?). The class decides; an instance may override either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from providers.redact import redact

if TYPE_CHECKING:
    from providers.plan import Attempt


class LLMProviderError(Exception):
    """A call to a provider failed. `message` keeps the upstream's own words with secrets removed."""

    retryable_by_default: ClassVar[bool] = False
    fails_over_by_default: ClassVar[bool] = True

    attempts: Sequence[Attempt] = ()
    """Every try that led here, where a router made the call."""
    errors: Sequence[LLMProviderError] = ()
    """The errors of those tries in their order, this one among them."""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        retryable: bool | None = None,
        fails_over: bool | None = None,
        exceeds_context: bool = False,
    ) -> None:
        self.message = redact(message)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.fails_over = self.fails_over_by_default if fails_over is None else fails_over
        self.exceeds_context = exceeds_context
        """The prompt is too long for this model: only a target with a larger window can help."""
        super().__init__(self.message)

    @property
    def error_class(self) -> str:
        """The class as data: `connection`, `rate_limit` …; the bare base class is `service`."""
        return error_class_of(type(self))

    def __str__(self) -> str:
        where = "/".join(part for part in (self.provider, self.model) if part)
        status = f" [{self.status}]" if self.status else ""
        return f"{where}{status}: {self.message}" if where else f"{self.message}{status}"


class LLMProviderConnectionError(LLMProviderError):
    """No answer came: the name does not resolve, nobody listens, TLS fails, or the connection was cut."""

    retryable_by_default = True


class LLMProviderAuthenticationError(LLMProviderError):
    """The key is missing, wrong, or may not do this. Another key or another target may help."""


class LLMProviderRateLimitError(LLMProviderError):
    """Too many calls or tokens for now; `retry_after_s` says how long to wait where the vendor does."""

    retryable_by_default = True


class LLMProviderResourceExhaustedError(LLMProviderError):
    """Credit or quota is used up; waiting does not help, another key or target may."""


class LLMProviderInvalidRequestError(LLMProviderError):
    """The request itself is wrong, so no other target is asked, unless `exceeds_context`."""

    fails_over_by_default = False


class LLMProviderServiceError(LLMProviderError):
    """The provider failed: 5xx, overloaded, an answer that can't be read, or a stream cut by an error."""

    retryable_by_default = True


class LLMProviderTimeoutError(LLMProviderError):
    """Nothing came within the time allowed, or the provider gave up waiting itself."""

    retryable_by_default = True


class LLMProviderModelError(LLMProviderError):
    """This provider does not have the model, or not for this key."""


ERROR_CLASSES: tuple[type[LLMProviderError], ...] = (
    LLMProviderConnectionError,
    LLMProviderAuthenticationError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderInvalidRequestError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    LLMProviderModelError,
)


def error_class_of(kind: type[LLMProviderError]) -> str:
    """`LLMProviderRateLimitError` → `rate_limit`."""
    middle = kind.__name__.removeprefix("LLMProvider").removesuffix("Error")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", middle).lower() or "service"


ERROR_CLASS_NAMES: tuple[str, ...] = tuple(error_class_of(kind) for kind in ERROR_CLASSES)

_CLASS_BY_STATUS: dict[int, type[LLMProviderError]] = {
    400: LLMProviderInvalidRequestError,
    401: LLMProviderAuthenticationError,
    402: LLMProviderResourceExhaustedError,
    403: LLMProviderAuthenticationError,
    404: LLMProviderModelError,
    408: LLMProviderTimeoutError,
    409: LLMProviderServiceError,
    410: LLMProviderModelError,  # retired for good: NVIDIA, Hugging Face
    413: LLMProviderInvalidRequestError,
    422: LLMProviderInvalidRequestError,
    424: LLMProviderServiceError,  # text-generation-inference and Groq: what the model runs on failed
    425: LLMProviderServiceError,
    429: LLMProviderRateLimitError,
    498: LLMProviderRateLimitError,  # Groq's flex tier has no capacity left
    499: LLMProviderServiceError,  # a proxy or the vendor gave the call up, though the caller did not
    504: LLMProviderTimeoutError,
    522: LLMProviderTimeoutError,  # Cloudflare before the vendor: no connection, no answer
    524: LLMProviderTimeoutError,
}


def class_for_status(status: int) -> type[LLMProviderError]:
    """The class of an HTTP status. The status decides before any wording does; adapters may refine it."""
    known = _CLASS_BY_STATUS.get(status)
    if known is not None:
        return known
    return LLMProviderInvalidRequestError if 400 <= status < 500 else LLMProviderServiceError
