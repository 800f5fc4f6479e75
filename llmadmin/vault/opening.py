"""The way to a key's plaintext, for the one moment at which it is sent. Nothing else in llmadmin decrypts keys."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone

from llmadmin.core.keyring import KeyRing, UnreadableError
from llmadmin.core.redaction import hide
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.sealing import bounds_of


class UnreadableKeyError(UnreadableError):
    """A stored API key that can't be opened for the origin it would be sent to. Names the key, never its content."""


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A usable key as it is stored. It may stay in memory: it opens only through `open_sealed`."""

    id: uuid.UUID
    provider_slug: str
    label: str
    weight: int
    ciphertext: bytes = field(repr=False)
    origin: str
    """Scheme, host and port that the key was entered for."""
    provider_id: int
    state: str
    """`active` or `draining`."""
    expires_at: dt.datetime | None


def sealed_rows() -> list[SealedKey]:
    """All keys in use, active and draining, not expired. One query."""
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    keys = ApiKey.objects.filter(live, state__in=(KeyState.ACTIVE, KeyState.DRAINING)).select_related("provider")
    return [sealed_of(key) for key in keys.order_by("provider__slug", "label")]


def sealed_of(key: ApiKey) -> SealedKey:
    """One row in its sealed form, whatever its state: for "test this key"."""
    return SealedKey(
        id=key.pk,
        provider_slug=key.provider.slug,
        label=key.label,
        weight=key.weight,
        ciphertext=bytes(key.ciphertext),
        origin=key.origin,
        provider_id=key.provider_id,
        state=key.state,
        expires_at=key.expires_at,
    )


def open_sealed(sealed: SealedKey, *, origin: str) -> str:
    """The plaintext, to be sent to `origin` and nowhere else.

    `origin` comes from where the call goes (`catalog.origin.origin_of`), not from the key: a key that was entered for another
    one fails to decrypt. Raises UnreadableKeyError.
    """
    if sealed.origin != origin:
        raise UnreadableKeyError(
            f"The key {sealed.label!r} of {sealed.provider_slug} was entered for {sealed.origin}, and the provider now points to "
            f"{origin}. Enter it again."
        )
    try:
        plaintext = KeyRing.from_settings().decrypt(
            sealed.ciphertext, bound_to=bounds_of(sealed.id, sealed.provider_id, origin)
        )
    except UnreadableError as problem:
        raise UnreadableKeyError(
            f"The key {sealed.label!r} of {sealed.provider_slug} can't be read. {problem}"
        ) from None
    hide(plaintext)
    return plaintext
