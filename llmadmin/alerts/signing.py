"""Signatures as in Standard Webhooks, so that receivers verify them with a library of their language.

Source: https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid

from llmadmin.core.keyring import KeyRing, UnreadableError
from llmadmin.core.redaction import hide

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    return _PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def headers_of(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message; the signature covers id, time (in seconds since the epoch) and body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def seal(secret: str, *, webhook_id: uuid.UUID) -> bytes:
    hide(secret)
    return KeyRing.from_settings().encrypt(secret, bound_to=_bounds(webhook_id))


def unseal(blob: bytes | memoryview, *, webhook_id: uuid.UUID) -> str:
    """Raises UnreadableError."""
    secret = KeyRing.from_settings().decrypt(blob, bound_to=_bounds(webhook_id))
    hide(secret)
    return secret


def is_current(blob: bytes | memoryview) -> bool:
    """Whether it is encrypted with the current encryption key."""
    ring = KeyRing.from_settings()
    try:
        return ring.key_id_of(blob) == ring.current_key_id
    except UnreadableError:
        return False


def _bounds(webhook_id: uuid.UUID) -> bytes:
    return f"llmadmin webhook v1\n{webhook_id}".encode()
