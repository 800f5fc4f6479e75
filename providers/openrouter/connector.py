"""How OpenRouter words its failures: what the vendor behind it said stands beside its own words.

Source: https://openrouter.ai/docs/api-reference/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.base.complaints import Complaint, ErrorKind, read_complaint
from providers.base.connector import BaseConnector
from providers.base.failures import ErrorHabits, parse_or_none
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.base.reading import as_list, as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError, LLMProviderModelError
from providers.limits import read_reset_s
from providers.openrouter.metadata import METADATA

_NO_MODEL = "is not a valid model"


def read_words(payload: Any) -> Complaint | None:
    """The usual shape, with the inner vendor's words, the reasons of a moderation and the reset of a limit from `metadata`."""
    complaint = read_complaint(payload)
    if complaint is None or not isinstance(payload, Mapping):
        return complaint
    metadata = as_mapping(as_mapping(payload.get("error")).get("metadata"))
    said = ", ".join(as_text(reason) for reason in as_list(metadata.get("reasons"))) or _inner_words(
        metadata.get("raw")
    )
    if said and said not in complaint.message:
        vendor = as_text(metadata.get("provider_name"))
        complaint = replace(complaint, message=f"{complaint.message}{f' ({vendor})' if vendor else ''}: {said}")
    headers = as_mapping(metadata.get("headers"))
    wait_s = read_reset_s(as_text(headers.get("Retry-After")) or as_text(headers.get("X-RateLimit-Reset")))
    # A reset that has passed says nothing of how long to wait.
    return replace(complaint, kind=_kind_of(complaint, metadata), retry_after_s=wait_s or None)


def _kind_of(complaint: Complaint, metadata: Mapping[str, Any]) -> ErrorKind | None:
    """403 also stands for a prompt that a moderation flagged, where neither the key nor another one is at fault."""
    if complaint.status == 403 and ("reasons" in metadata or "flagged_input" in metadata):
        return LLMProviderInvalidRequestError
    return LLMProviderModelError if complaint.status == 400 and _NO_MODEL in complaint.message else None


def _inner_words(raw: Any) -> str:
    """What the vendor behind OpenRouter answered: text, or its body as text or as an object."""
    body = parse_or_none(raw.encode()) if isinstance(raw, str) else raw
    complaint = read_complaint(body)
    return complaint.message if complaint else as_text(raw)


class OpenRouterConnector(BaseConnector):
    """HTTP to OpenRouter."""

    metadata = METADATA
    error_habits = ErrorHabits(read=read_words)


class OpenRouterProvider(OpenAICompatibleProvider):
    """Models of the vendors that OpenRouter passes calls on to."""

    metadata = METADATA
    connector_class = OpenRouterConnector


PROVIDER = OpenRouterProvider
