"""From a vendor's failure to one error of the tree. Pure: statuses, headers and bodies in, exceptions out.

The status decides the class. Wording refines it only where vendors use one status for different things: an exhausted
quota behind 429 or 400, a prompt that is too long or a retired model behind 400.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from providers import jsontext
from providers.base.complaints import Complaint, holds_error, read_complaint
from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    class_for_status,
)
from providers.limits import RawHeaders, find_exhausted
from providers.redact import redact

MAX_MESSAGE_CHARS = 2000
REQUEST_ID_HEADERS = (
    "x-request-id", "request-id", "x-generation-id", "apim-request-id", "x-ms-request-id", "x-amzn-requestid", "nvcf-reqid",
)  # fmt: skip
EDGE_ID_HEADERS = ("x-litellm-call-id", "cf-ray")
"""What a proxy before the vendor calls the request; taken where nothing else names it."""

_NO_CREDIT_CODES = frozenset(
    {"insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_credits"}
)
_NO_CREDIT_WORDS = re.compile(
    r"credit balance is too low|insufficient (?:credits|balance|quota)|exceeded your current quota"
    r"|reached your specified (?:\w+ )?(?:API )?usage limits",
    re.IGNORECASE,
)
_NO_MODEL_CODES = frozenset(
    {
        "model_not_found",
        "model_decommissioned",
        "model_not_available",
        "model_not_supported",
        "unknown_model",
        "invalid_model",
    }
)
_NO_KEY_CODES = frozenset({"no_db_connection"})
"""LiteLLM without a database looks a key up there that it does not know, and says 400 instead of 401."""
_NO_KEY_WORDS = re.compile(r"(?:incorrect|invalid) api[ _-]?key|api key (?:is )?(?:not valid|invalid)", re.IGNORECASE)
"""xAI and Gemini's OpenAI endpoint say so with status 400."""

_CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context[_ ]length[_ ]exceeded|context window|prompt is too long|input is too long"
    r"|exceeds? (?:the )?(?:available |model'?s? )?context|exceeds? the maximum number of tokens|too many (?:input )?tokens"
    r"|maximum prompt length|request too large|reduce the length of|must have less than \d+ tokens"
    r"|`inputs` tokens \+ `max_new_tokens` must be",
    re.IGNORECASE,
)
_CLASS_BY_TYPE: dict[str, tuple[type[LLMProviderError], int | None]] = {
    "authentication_error": (LLMProviderAuthenticationError, 401),
    "invalid_api_key": (LLMProviderAuthenticationError, 401),
    "permission_error": (LLMProviderAuthenticationError, 403),
    "billing_error": (LLMProviderResourceExhaustedError, 402),
    "insufficient_quota": (LLMProviderResourceExhaustedError, 429),
    "not_found_error": (LLMProviderModelError, 404),
    "model_not_found": (LLMProviderModelError, 404),
    "invalid_request_error": (LLMProviderInvalidRequestError, 400),
    "request_too_large": (LLMProviderInvalidRequestError, 413),
    "context_length_exceeded": (LLMProviderInvalidRequestError, 400),
    "conflict_error": (LLMProviderServiceError, 409),
    "rate_limit_error": (LLMProviderRateLimitError, 429),
    "rate_limit_exceeded": (LLMProviderRateLimitError, 429),
    "overloaded_error": (LLMProviderServiceError, 529),
    "api_error": (LLMProviderServiceError, 500),
    "server_error": (LLMProviderServiceError, 500),
    "timeout_error": (LLMProviderTimeoutError, 504),
    "content_filter": (LLMProviderInvalidRequestError, 400),
    "too_many_requests": (LLMProviderRateLimitError, 429),
    "service_unavailable": (LLMProviderServiceError, 503),
}


@dataclass(frozen=True, slots=True)
class ErrorHabits:
    """How one vendor words its failures, where that differs from the others."""

    read: Callable[[Any], Complaint | None] = read_complaint
    """Finds the vendor's words in a parsed body."""
    request_id_header: str = ""
    """Where the request's id stands if neither a common header nor the body has it."""
    reset_headers: tuple[str, ...] = ()
    """Seconds until a limit is lifted; read for a 429 that says nothing else."""
    kinds: Mapping[int, type[LLMProviderError]] = field(default_factory=dict)
    """What a status of this vendor's own stands for, where its number alone would say something else."""


USUAL_HABITS = ErrorHabits()


@dataclass(frozen=True, slots=True)
class CallContext:
    """Whose call it was, for the errors it may end in. `secrets` are removed from every text."""

    provider: str
    model: str | None = None
    secrets: tuple[str, ...] = ()
    habits: ErrorHabits = USUAL_HABITS

    def clean(self, text: str) -> str:
        short = text if len(text) <= MAX_MESSAGE_CHARS else text[:MAX_MESSAGE_CHARS] + "…"
        return redact(short, secrets=self.secrets)


def error_from_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, context: CallContext
) -> LLMProviderError:
    """The error that an HTTP answer other than 2xx stands for."""
    if 300 <= status < 400:
        where = headers.get("location", "elsewhere")
        return LLMProviderServiceError(
            context.clean(f"The provider redirects to {where}, and redirects are not followed. Set that base URL if it is right."),
            provider=context.provider, model=context.model, status=status, code="redirect", retryable=False,
        )  # fmt: skip
    complaint = context.habits.read(parse_or_none(body)) or Complaint(message=plain_text(body))
    return build_error(complaint, status=status, headers=headers, context=context)


def error_from_payload(
    payload: Any, *, status: int, headers: Mapping[str, str], context: CallContext
) -> LLMProviderError:
    """The error that a body or a stream event with an `error` in it stands for, though it came with status 200."""
    complaint = context.habits.read(payload) or Complaint(message="The provider reports an error without saying which.")
    return build_error(complaint, status=complaint.status or status, headers=headers, context=context)


def build_error(
    complaint: Complaint, *, status: int, headers: Mapping[str, str], context: CallContext
) -> LLMProviderError:
    habits = context.habits
    kind, status = _class_of(complaint, status)
    kind = habits.kinds.get(status, kind)
    message = complaint.message or f"The provider answered with status {status} and no explanation."
    request_id = (
        find_request_id(headers)
        or complaint.request_id
        or find_request_id(headers, (habits.request_id_header, *EDGE_ID_HEADERS))
    )
    resets = habits.reset_headers if status == 429 else ()
    limit = find_exhausted(_raw(headers)) if status == 429 else None
    return kind(
        context.clean(message),
        provider=context.provider,
        model=context.model,
        status=status,
        code=context.clean(complaint.code or complaint.type) or None,
        request_id=context.clean(request_id) if request_id else None,
        retry_after_s=_first_wait(
            read_retry_after_s(headers),
            complaint.retry_after_s,
            *(_number(headers.get(name)) for name in resets),
            (limit.wait_s or None) if limit is not None else None,  # one that has passed says nothing
        ),
        retryable=_should_retry(headers),
        exceeds_context=kind is LLMProviderInvalidRequestError and _exceeds_context(complaint),
    )


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers.items()]


def _first_wait(*waits_s: float | None) -> float | None:
    return next((wait_s for wait_s in waits_s if wait_s is not None), None)


def _class_of(complaint: Complaint, status: int) -> tuple[type[LLMProviderError], int]:
    if complaint.kind is not None:
        return complaint.kind, status
    names = {complaint.code.lower(), complaint.type.lower()}
    if status in (400, 403, 429) and (names & _NO_CREDIT_CODES or _NO_CREDIT_WORDS.search(complaint.message)):
        return LLMProviderResourceExhaustedError, status
    if status == 400 and names & _NO_MODEL_CODES:
        return LLMProviderModelError, status
    if status == 400 and (names & _NO_KEY_CODES or _NO_KEY_WORDS.search(complaint.message)):
        return LLMProviderAuthenticationError, status
    if status >= 300:
        return class_for_status(status), status
    for name in (complaint.code.lower(), complaint.type.lower()):
        if name in _CLASS_BY_TYPE:
            kind, meant = _CLASS_BY_TYPE[name]
            return kind, meant or status
    return LLMProviderServiceError, status


def _exceeds_context(complaint: Complaint) -> bool:
    return complaint.code.lower() in _CONTEXT_CODES or bool(_CONTEXT_WORDS.search(complaint.message))


def find_request_id(headers: Mapping[str, str], names: Iterable[str] = REQUEST_ID_HEADERS) -> str | None:
    return next((headers[name] for name in names if name and headers.get(name)), None)


def read_retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date); None where neither is readable."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if not value:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _should_retry(headers: Mapping[str, str]) -> bool | None:
    """The vendor's own word on it (`x-should-retry`), else None: the class decides."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())


def parse_or_none(body: bytes) -> Any:
    try:
        return jsontext.parse(body)
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else -1.0
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def plain_text(body: bytes) -> str:
    """A body that isn't JSON, as one line of text without HTML tags."""
    text = body[: 4 * MAX_MESSAGE_CHARS].decode("utf-8", "replace")
    return " ".join(
        re.sub(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE).split()
    )


def require_object(payload: Any, headers: Mapping[str, str], context: CallContext) -> Mapping[str, Any]:
    """`payload`, unless it is an error that came with status 200, or no object at all."""
    if not isinstance(payload, dict):
        raise unreadable_answer("a JSON object was expected", context)
    if holds_error(payload):
        raise error_from_payload(payload, status=200, headers=headers, context=context)
    return payload


def unreadable_answer(why: str, context: CallContext) -> LLMProviderServiceError:
    """The vendor answered, but not with what its API promises."""
    return LLMProviderServiceError(
        context.clean(f"The provider's answer can't be read: {why}."),
        provider=context.provider,
        model=context.model,
        code="unreadable_answer",
    )


def cut_stream(context: CallContext, *, status: int) -> LLMProviderServiceError:
    """The stream ended, but its answer did not: no finish reason and no end marker came."""
    return LLMProviderServiceError(
        "The provider's stream ended before its answer did: neither a finish reason nor an end marker came.",
        provider=context.provider,
        model=context.model,
        status=status,
        code="stream_cut",
    )


def parse_piece(data: bytes, context: CallContext) -> Any:
    """The JSON of one piece of a stream. Raises `LLMProviderServiceError`."""
    try:
        return jsontext.parse(data)
    except ValueError:
        raise unreadable_answer("a piece of the stream is not JSON", context) from None
