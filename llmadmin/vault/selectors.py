"""Reading the rows of API keys; nothing here decrypts."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import Q, QuerySet
from django.utils import timezone

from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.models import Provider
from llmadmin.core.errors import MissingError
from llmadmin.vault.models import USED, WARNED_DAYS, ApiKey, KeyState


def keys() -> QuerySet[ApiKey]:
    """All keys with their providers, without their ciphertexts."""
    return ApiKey.objects.select_related("provider").defer("ciphertext").order_by("provider__slug", "label")


def keys_of(provider: Provider) -> QuerySet[ApiKey]:
    return keys().filter(provider=provider)


def idle_reasons() -> dict[str, str]:
    """By provider, why one of its keys is not in use, for calls that find none that is. One query.

    Where a kind of provider needs no key, switched-off ones are no reason: calls go out without.
    """
    in_use = Q(state__in=USED) & (Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))
    rows = ApiKey.objects.exclude(in_use).exclude(state=KeyState.FAILED, resumes_as__in=USED)
    found: dict[str, str] = {}
    for slug, kind, label, state in rows.values_list("provider__slug", "provider__kind", "label", "state"):
        known = find_kind(kind)
        if state != KeyState.DISABLED or (known is not None and known.needs_key):
            found.setdefault(slug, f"The API key {label!r} of {slug} {_IDLE.get(state, 'has expired: rotate it.')}")
    return found


_IDLE = {
    KeyState.DISABLED.value: "is switched off: use it again, or add another.",
    KeyState.LOCKED.value: "waits to be entered again.",
    KeyState.FAILED.value: "is out of use.",
}


def expiring_keys() -> list[ApiKey]:
    """Keys in use that end soon or have ended, the first to end first. Bounded."""
    soon = timezone.now() + dt.timedelta(days=WARNED_DAYS)
    in_use = Q(state__in=USED) | Q(state=KeyState.FAILED, resumes_as__in=USED)
    found = keys().filter(in_use, expires_at__lte=soon, provider__enabled=True)
    return list(found.order_by("expires_at")[:20])


def get_key(key_id: uuid.UUID | str) -> ApiKey:
    """Raises MissingError."""
    try:
        return keys().get(pk=uuid.UUID(str(key_id)))
    except (ApiKey.DoesNotExist, ValueError):
        raise MissingError("There is no such API key.") from None
