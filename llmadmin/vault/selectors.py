"""Reading the rows of API keys; nothing here decrypts."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from llmadmin.catalog.models import Provider
from llmadmin.core.errors import MissingError
from llmadmin.vault.models import ApiKey


def keys() -> QuerySet[ApiKey]:
    """All keys with their providers, without their ciphertexts."""
    return ApiKey.objects.select_related("provider").defer("ciphertext").order_by("provider__slug", "label")


def keys_of(provider: Provider) -> QuerySet[ApiKey]:
    return keys().filter(provider=provider)


def get_key(key_id: uuid.UUID | str) -> ApiKey:
    """Raises MissingError."""
    try:
        return keys().get(pk=uuid.UUID(str(key_id)))
    except (ApiKey.DoesNotExist, ValueError):
        raise MissingError("There is no such API key.") from None
