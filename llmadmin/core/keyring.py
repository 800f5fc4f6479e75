"""The keys that encrypt what must be read again: AES-256-GCM, with the key's id in each ciphertext so that keys can change online."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_VERSION = b"\x01"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES
_MIN_SECRET_BYTES = 32
_URLSAFE = re.compile(r"^[A-Za-z0-9_-]+={0,2}$")


class UnreadableError(Exception):
    """A ciphertext that this ring can't open: another key, other bounds, or damage. The message never holds content."""


class KeyRing:
    """Encrypts with its first key and decrypts with each.

    A blob is `version (1 byte) ‖ key id (8) ‖ nonce (12) ‖ ciphertext and tag`. The key id is the beginning of the SHA-256 of
    the secret; the AES key and the fingerprint key are derived from the secret with HKDF-SHA256, so any secret of at least
    32 bytes serves. Version, key id and `bound_to` are authenticated.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._ciphers = {_key_id(secret): AESGCM(_derive(secret, b"llmadmin encryption v1")) for secret in secrets}
        self._current_id = _key_id(secrets[0])
        self._fingerprint_key = _derive(secrets[0], b"llmadmin fingerprint v1")

    @classmethod
    def from_settings(cls) -> KeyRing:
        """The ring of `settings.ENCRYPTION_KEYS`. Raises ImproperlyConfigured, saying what to set."""
        return _ring_of(settings.ENCRYPTION_KEYS)

    @classmethod
    def from_text(cls, text: str) -> KeyRing:
        """The ring of comma-separated urlsafe base64 secrets. Raises ImproperlyConfigured."""
        parts = [part.strip() for part in (text or "").split(",")]
        if parts == [""]:
            raise ImproperlyConfigured(f"There is no encryption key. {_HOW_TO_SET}")
        return cls([_decode(part, place) for place, part in enumerate(parts, start=1)])

    @property
    def current_key_id(self) -> str:
        return self._current_id.hex()

    @property
    def key_ids(self) -> frozenset[str]:
        """Ids of all keys that this ring can decrypt with."""
        return frozenset(key_id.hex() for key_id in self._ciphers)

    def encrypt(self, text: str, *, bound_to: bytes) -> bytes:
        """The blob of `text`; it opens only with the same `bound_to`."""
        head = _VERSION + self._current_id
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[self._current_id].encrypt(nonce, text.encode(), head + bound_to)

    def decrypt(self, blob: bytes | memoryview, *, bound_to: bytes) -> str:
        """The text in `blob`. Raises UnreadableError."""
        blob = bytes(blob)
        key_id = bytes.fromhex(self.key_id_of(blob))
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnreadableError(
                f"It was encrypted with key {key_id.hex()}, which LLMADMIN_ENCRYPTION_KEY does not hold. "
                "Append that key after a comma."
            )
        head = blob[: len(_VERSION) + _KEY_ID_BYTES]
        try:
            return cipher.decrypt(blob[len(head) : _HEAD_BYTES], blob[_HEAD_BYTES:], head + bound_to).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise UnreadableError("It is damaged, or it belongs to another row, provider or address.") from None

    def key_id_of(self, blob: bytes | memoryview) -> str:
        """The id, in hex, of the key that `blob` was encrypted with. Raises UnreadableError when it is no blob of ours."""
        blob = bytes(blob)
        if len(blob) <= _HEAD_BYTES or blob[:1] != _VERSION:
            raise UnreadableError("It is no ciphertext of a version that this release knows.")
        return blob[1 : 1 + _KEY_ID_BYTES].hex()

    def fingerprint(self, text: str) -> str:
        """HMAC-SHA-256 in hex under the current key: tells whether two texts are the same without telling the text."""
        return hmac.new(self._fingerprint_key, text.encode(), hashlib.sha256).hexdigest()


_HOW_TO_SET = (
    "Set LLMADMIN_ENCRYPTION_KEY (or LLMADMIN_ENCRYPTION_KEY_FILE) to at least 32 random bytes in urlsafe base64; "
    "`llmadmin doctor --new-key` prints a fresh one."
)


@lru_cache(maxsize=4)
def _ring_of(text: str) -> KeyRing:
    return KeyRing.from_text(text)


def _decode(text: str, place: int) -> bytes:
    """The bytes of one key; `place` (from 1) names it in messages, which must not show it."""
    if not _URLSAFE.match(text):
        raise ImproperlyConfigured(f"Encryption key {place} is not urlsafe base64. {_HOW_TO_SET}")
    try:
        secret = base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"Encryption key {place} is not urlsafe base64. {_HOW_TO_SET}") from None
    if len(secret) < _MIN_SECRET_BYTES:
        raise ImproperlyConfigured(
            f"Encryption key {place} has {len(secret)} bytes and needs at least {_MIN_SECRET_BYTES}. {_HOW_TO_SET}"
        )
    return secret


def _key_id(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()[:_KEY_ID_BYTES]


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)
