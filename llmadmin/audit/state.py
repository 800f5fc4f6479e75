"""Objects as audit entries show them: JSON-ready, without secrets and without bookkeeping."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import models

from llmadmin.core.redaction import redact_deep

_LEFT_OUT = frozenset(
    {
        *("ciphertext", "hash", "fingerprint", "password", "encryption_key_id"),
        *("id", "revision", "created_at", "updated_at", "last_used_at", "last_login", "last_error", "last_error_at"),
        *("entered_at", "resumes_as", "failure_class", "failure_count", "probe_at"),
    }
)


def state_of(instance: models.Model) -> dict[str, Any]:
    """The instance's fields by name, JSON-ready. Relations show as the other row's text; secret fields are left out."""
    state = {}
    for field in instance._meta.concrete_fields:
        if field.name in _LEFT_OUT or isinstance(field, models.BinaryField):
            continue
        value = getattr(instance, field.name)
        state[field.name] = json_ready(str(value) if isinstance(value, models.Model) else value)
    return state


def changed_fields(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two states, as it was and as it is; a name that one side lacks is left out there."""
    before, after = before or {}, after or {}
    names = [
        name for name in (*before, *(name for name in after if name not in before)) if _differs(before, after, name)
    ]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def json_ready(value: Any) -> Any:
    """`value` in JSON's own types, redacted: numbers with their digits as text, moments in ISO 8601 with `Z`."""
    if isinstance(value, Mapping):
        return redact_deep({str(name): json_ready(one) for name, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [json_ready(one) for one in items]
    return redact_deep(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value.normalize(), "f")
        case dt.datetime():
            return value.isoformat().replace("+00:00", "Z")
        case dt.date() | uuid.UUID():
            return str(value)
        case bytes() | memoryview():
            return f"{len(value)} bytes"
    return value


def _differs(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    return (name in before) != (name in after) or before[name] != after[name]
