"""The way to a key's plaintext, for the one moment at which it is sent. Nothing else in llmadmin decrypts keys."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone

from llmadmin.core.errors import InvalidError
from llmadmin.core.keyring import KeyRing, UnreadableError
from llmadmin.core.redaction import hide
from llmadmin.vault.models import USED, ApiKey, KeyState
from llmadmin.vault.sealing import bounds_of, checked_plaintext
from llmadmin.vault.sourcing import SourceError, read_source


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
    """`active`, `draining` or `failed`."""
    expires_at: dt.datetime | None
    entered_at: dt.datetime
    source_ref: str = ""
    allowed_models: frozenset[str] = frozenset()
    calls_per_minute: int | None = None
    tokens_per_minute: int | None = None
    failure_count: int = 0
    probe_at: dt.datetime | None = None
    state_reason: str = ""

    def is_for(self, model: str) -> bool:
        return not self.allowed_models or model in self.allowed_models


def sealed_rows() -> list[SealedKey]:
    """All keys in use, active and draining and those of them that failed, not expired. One query."""
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    in_use = Q(state__in=USED) | Q(state=KeyState.FAILED, resumes_as__in=USED)
    keys = ApiKey.objects.filter(live, in_use).select_related("provider")
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
        source_ref=key.source_ref,
        entered_at=key.entered_at,
        allowed_models=frozenset(key.allowed_models),
        calls_per_minute=key.calls_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        failure_count=key.failure_count,
        probe_at=key.probe_at,
        state_reason=key.state_reason,
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
    bounds = bounds_of(sealed.id, sealed.provider_id, origin, is_reference=bool(sealed.source_ref))
    try:
        plaintext = KeyRing.from_settings().decrypt(sealed.ciphertext, bound_to=bounds)
        if sealed.source_ref:
            plaintext = _from_source(sealed, plaintext, origin=origin)
    except (UnreadableError, SourceError, InvalidError) as problem:
        raise UnreadableKeyError(
            f"The key {sealed.label!r} of {sealed.provider_slug} can't be read. {problem}"
        ) from None
    hide(plaintext)
    return plaintext


def _from_source(sealed: SealedKey, ref: str, *, origin: str) -> str:
    """The text at the reference that was sealed; the row's own column only says that there is one."""
    if ref != sealed.source_ref:
        raise UnreadableError("Its source was changed behind its seal. Choose the source again.")
    return checked_plaintext(read_source(ref, origin=origin))
