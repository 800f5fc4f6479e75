"""How a provider's key is sealed: what its ciphertext is bound to, and what of it may be shown."""

from __future__ import annotations

import re
import uuid

from django.utils import timezone

from llmadmin.core.errors import InvalidError
from llmadmin.core.keyring import KeyRing
from llmadmin.core.redaction import hide
from llmadmin.vault.models import ApiKey

_MAX_LENGTH = 8192
_SHOWN_FROM_LENGTH = 12
# What a page, a log or a list shows in place of a key: "••••1234", "sk-…1234", "****", "...1234", "[redacted]", "xxxx1234".
_MASK = re.compile(r"[•●∙·⋅＊…⁕∗]|\*{2,}|\.{2,}|\[redacted\]|^(.)\1{3,}.{0,8}$", re.IGNORECASE)
_SENDABLE = re.compile(r"^[\x21-\x7e]+$")


def bounds_of(key_id: uuid.UUID, provider_id: int, origin: str, *, is_reference: bool = False) -> bytes:
    """What the ciphertext of a key is bound to: in another row, at another provider or for another origin it does not open.

    Nor does a reference to where a key lies open as a key, or a key as a reference.
    """
    kind = "llmadmin api key reference v1" if is_reference else "llmadmin api key v1"
    return "\n".join((kind, str(key_id), str(provider_id), origin)).encode()


def bounds_of_row(key: ApiKey) -> bytes:
    return bounds_of(key.pk, key.provider_id, key.origin, is_reference=bool(key.source_ref))


def checked_plaintext(text: str) -> str:
    """The key as people paste it, without the white space around. Raises InvalidError for a mask and for what no header carries."""
    text = text.strip()
    if len(text) > _MAX_LENGTH:
        raise InvalidError.of(api_key=f"An API key has at most {_MAX_LENGTH} characters.")
    if _MASK.search(text):
        raise InvalidError.of(
            api_key="This is the masked form of a key. Paste the whole key, or leave the field empty to keep it."
        )
    if not _SENDABLE.match(text):
        raise InvalidError.of(
            api_key="An API key has no spaces, line breaks or special signs. Copy it again from the provider."
        )
    return text


def seal(key: ApiKey, plaintext: str, *, origin: str) -> None:
    """Put `plaintext` into the row, bound to the row, its provider and `origin`. The row is not saved."""
    key.source_ref = ""
    _put(key, plaintext, origin=origin)
    show(key, plaintext)


def seal_reference(key: ApiKey, ref: str, plaintext: str, *, origin: str) -> None:
    """Put into the row where its text lies, bound in the same way. `plaintext` is what lies there now; the row is not saved."""
    key.source_ref = ref
    _put(key, ref, origin=origin)
    show(key, plaintext)


def show(key: ApiKey, plaintext: str) -> None:
    """What of the key may be seen: its fingerprint, and its end where that is not too much of it."""
    hide(plaintext)
    key.fingerprint = KeyRing.from_settings().fingerprint(plaintext)
    key.last4 = plaintext[-4:] if len(plaintext) >= _SHOWN_FROM_LENGTH else ""


def _put(key: ApiKey, text: str, *, origin: str) -> None:
    ring = KeyRing.from_settings()
    key.origin = origin
    key.ciphertext = ring.encrypt(text, bound_to=bounds_of_row(key))
    key.encryption_key_id = ring.current_key_id
    key.entered_at = timezone.now()
