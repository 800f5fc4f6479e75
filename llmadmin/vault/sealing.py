"""How a provider's key is sealed: what its ciphertext is bound to, and what of it may be shown."""

from __future__ import annotations

import re
import uuid

from llmadmin.core.errors import InvalidError
from llmadmin.core.keyring import KeyRing
from llmadmin.core.redaction import hide
from llmadmin.vault.models import ApiKey

_MAX_LENGTH = 8192
_SHOWN_FROM_LENGTH = 12
# What a page, a log or a list shows in place of a key: "••••1234", "sk-…1234", "****", "...1234", "[redacted]", "xxxx1234".
_MASK = re.compile(r"[•●∙·⋅＊…⁕∗]|\*{2,}|\.{2,}|\[redacted\]|^(.)\1{3,}.{0,8}$", re.IGNORECASE)
_SENDABLE = re.compile(r"^[\x21-\x7e]+$")


def bounds_of(key_id: uuid.UUID, provider_id: int, origin: str) -> bytes:
    """What the ciphertext of a key is bound to: in another row, at another provider or for another origin it does not open."""
    return "\n".join(("llmadmin api key v1", str(key_id), str(provider_id), origin)).encode()


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
    hide(plaintext)
    ring = KeyRing.from_settings()
    key.origin = origin
    key.ciphertext = ring.encrypt(plaintext, bound_to=bounds_of(key.pk, key.provider_id, origin))
    key.encryption_key_id = ring.current_key_id
    key.fingerprint = ring.fingerprint(plaintext)
    key.last4 = plaintext[-4:] if len(plaintext) >= _SHOWN_FROM_LENGTH else ""
