"""What Google's errors say beyond their status. Pure.

Source: https://cloud.google.com/apis/design/errors and https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from providers.base import complaints
from providers.base.complaints import Complaint, ErrorKind
from providers.base.failures import ErrorHabits
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderAuthenticationError, LLMProviderRateLimitError

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def read_complaint(payload: Any) -> Complaint | None:
    """Google's words. A wrong key comes with status 400, and a wait stands in the body."""
    complaint = complaints.read_complaint(payload)
    if complaint is None:
        return None
    details = list(_details(payload))
    reason = _first_text(details, "reason")
    return replace(
        complaint,
        code=reason or complaint.type or complaint.code,
        kind=_kind_of(complaint, reason),
        retry_after_s=_retry_delay_s(details),
        request_id=complaint.request_id or _first_text(details, "requestId") or None,
    )


def _details(payload: Any) -> Iterator[Mapping[str, Any]]:
    whole = payload[0] if isinstance(payload, list) and payload else payload
    yield from map(as_mapping, as_list(as_mapping(as_mapping(whole).get("error")).get("details")))


def _first_text(details: list[Mapping[str, Any]], name: str) -> str:
    return next((text for detail in details if (text := as_text(detail.get(name)))), "")


def _kind_of(complaint: Complaint, reason: str) -> ErrorKind | None:
    """The class where the status doesn't tell it: every limit reads "exceeded your current quota", also one of a minute."""
    if complaint.type == "PUP_LIMITED_DISABLED":
        return LLMProviderAuthenticationError
    if reason == "API_KEY_INVALID" or complaint.message.startswith("API key not valid"):
        return LLMProviderAuthenticationError
    return LLMProviderRateLimitError if complaint.type == "RESOURCE_EXHAUSTED" else None


def _retry_delay_s(details: list[Mapping[str, Any]]) -> float | None:
    """`retryDelay` of a `google.rpc.RetryInfo`, such as `34.07s`."""
    for detail in details:
        found = _SECONDS.fullmatch(as_text(detail.get("retryDelay")))
        if found:
            return float(found[1])
    return None


HABITS = ErrorHabits(read=read_complaint)
