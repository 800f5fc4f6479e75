"""What Ollama's errors say where no status does: inside a stream they are a line of words. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from providers.base import complaints
from providers.base.complaints import Complaint
from providers.base.failures import ErrorHabits
from providers.errors import LLMProviderModelError

_NO_MODEL = re.compile(r"model\b.*\bnot found|try pulling it first", re.IGNORECASE)


def read_complaint(payload: Any) -> Complaint | None:
    """Ollama's words. A model that was never pulled is told by them alone."""
    complaint = complaints.read_complaint(payload)
    if complaint is None or not _NO_MODEL.search(complaint.message):
        return complaint
    return replace(complaint, kind=LLMProviderModelError)


HABITS = ErrorHabits(read=read_complaint)
