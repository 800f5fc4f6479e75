"""How Hugging Face and the servers behind its router word their failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.base.complaints import Complaint, ErrorKind, read_complaint
from providers.base.connector import BaseConnector
from providers.base.failures import ErrorHabits
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.errors import LLMProviderInvalidRequestError, LLMProviderRateLimitError
from providers.huggingface.metadata import METADATA

MAX_LOADING_S = 3600.0
_KIND_BY_TYPE: dict[str, ErrorKind] = {
    "validation": LLMProviderInvalidRequestError,
    "overloaded": LLMProviderRateLimitError,
}


def read_words(payload: Any) -> Complaint | None:
    """The usual shapes; for a model that is loading, also how long that takes.

    `error_type` is what text-generation-inference says within a stream, where no status says it.
    """
    complaint = read_complaint(payload)
    if complaint is None or not isinstance(payload, Mapping):
        return complaint
    wait_s = payload.get("estimated_time")
    if isinstance(wait_s, (int, float)) and not isinstance(wait_s, bool) and 0 <= wait_s <= MAX_LOADING_S:
        complaint = replace(complaint, retry_after_s=float(wait_s))
    kind = _KIND_BY_TYPE.get(complaint.type)
    return replace(complaint, kind=kind) if kind else complaint


class HuggingFaceConnector(BaseConnector):
    """HTTP to the router, or to a dedicated endpoint."""

    metadata = METADATA
    error_habits = ErrorHabits(read=read_words, reset_headers=("x-ratelimit-reset",))


class HuggingFaceProvider(OpenAICompatibleProvider):
    """Open models at the inner providers that Hugging Face passes calls on to."""

    metadata = METADATA
    connector_class = HuggingFaceConnector


PROVIDER = HuggingFaceProvider
