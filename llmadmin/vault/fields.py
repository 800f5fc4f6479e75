"""What of a key people set besides its text, and when that holds together."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from llmadmin.core.errors import ConflictError, InvalidError
from llmadmin.vault.models import ApiKey

FIELDS = frozenset(
    {"label", "environment", "weight", "expires_at", "allowed_models", "calls_per_minute", "tokens_per_minute"}
)
MAX_ALLOWED_MODELS = 500
_MAX_NUMBER = 2**31 - 1
_LIMITS = {"calls_per_minute": "calls", "tokens_per_minute": "tokens"}


def check_fields(key: ApiKey) -> None:
    """Raises InvalidError naming the fields that can't be, ConflictError for a label that is taken."""
    _check_columns(key)
    if not 1 <= key.weight <= 1000:
        raise InvalidError.of(weight="Choose a weight between 1 and 1000.")
    for name, what in _LIMITS.items():
        limit = getattr(key, name)
        if limit is not None and not 1 <= limit <= _MAX_NUMBER:
            raise InvalidError.of(**{name: f"Give a number of {what} of at least 1, or nothing for no limit."})
    if key.expires_at is not None and timezone.is_naive(key.expires_at):
        raise InvalidError.of(expires_at="Give the moment with its time zone.")
    key.allowed_models = _checked_models(key.allowed_models)
    if ApiKey.objects.filter(provider_id=key.provider_id, label=key.label).exclude(pk=key.pk).exists():
        raise ConflictError(
            f"{key.provider.slug} has a key labelled {key.label!r} already.", fields={"label": "Choose another label."}
        )


def _check_columns(key: ApiKey) -> None:
    checked = FIELDS - {"allowed_models"}
    if any(not char.isprintable() for char in str(key.label)):
        raise InvalidError.of(label="Use a label without line breaks and control characters.")
    try:
        key.clean_fields(exclude={column.name for column in ApiKey._meta.fields} - checked)
    except ValidationError as problem:
        raise InvalidError.of(**{name: " ".join(texts) for name, texts in problem.message_dict.items()}) from None


def _checked_models(names: Any) -> list[str]:
    """Sorted names without repetition, so that equal choices are equal."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidError.of(allowed_models="Give a list of the names of the provider's models; empty means all.")
    found = sorted({name.strip() for name in names if name.strip()})
    if len(found) > MAX_ALLOWED_MODELS or any(len(name) > 200 or not name.isprintable() for name in found):
        raise InvalidError.of(
            allowed_models=f"Give at most {MAX_ALLOWED_MODELS} names of models, each of at most 200 characters."
        )
    return found
