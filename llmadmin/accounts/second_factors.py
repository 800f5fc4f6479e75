"""Authenticator apps, passkeys and recovery codes: allauth keeps and checks them, their secrets encrypted with our key ring."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser

from llmadmin.accounts.models import User
from llmadmin.core.keyring import KeyRing, UnreadableError

_BOUND_TO = b"second factor"
_SECRET_NAMES = ("secret", "seed")


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This is not the code. Codes change every 30 seconds, and each works once.",
        "unreadable": (
            "Your second factor can't be read: the encryption key of this installation was changed. "
            "Ask an owner or admin to remove it, then set it up anew."
        ),
    }

    def encrypt(self, text: str) -> str:
        return base64.b64encode(KeyRing.from_settings().encrypt(text, bound_to=_BOUND_TO)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError, which the form shows: an empty secret instead would let anyone compute its codes."""
        try:
            return KeyRing.from_settings().decrypt(_blob(encrypted_text), bound_to=_BOUND_TO)
        except UnreadableError:
            raise self.validation_error("unreadable") from None

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's name
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {number + 1}" if number else "Passkey"


def reencrypt_second_factors() -> int:
    """Move readable secrets to the current encryption key and return how many moved. Safe to repeat, and beside the server."""
    ring, moved = KeyRing.from_settings(), 0
    for factor in Authenticator.objects.order_by("pk").iterator(chunk_size=200):
        data = dict(factor.data)
        for name in _SECRET_NAMES:
            if name not in data or _is_current(ring, data[name]):
                continue
            try:
                text = ring.decrypt(_blob(data[name]), bound_to=_BOUND_TO)
            except UnreadableError:
                continue
            data[name] = base64.b64encode(ring.encrypt(text, bound_to=_BOUND_TO)).decode()
        if data != factor.data:
            moved += Authenticator.objects.filter(pk=factor.pk, data=factor.data).update(data=data)
    return moved


def count_elsewhere() -> int:
    """How many of people's second factors do not stand on the current encryption key."""
    ring = KeyRing.from_settings()
    kept = Authenticator.objects.values_list("data", flat=True).iterator(chunk_size=200)
    return sum(any(name in data and not _is_current(ring, data[name]) for name in _SECRET_NAMES) for data in kept)


def remove_second_factors(person: User) -> int:
    """Take all of them from someone who lost them, recovery codes too. Returns how many there were."""
    removed, _ = Authenticator.objects.filter(user=person).delete()
    return int(removed)


def _is_current(ring: KeyRing, text: str) -> bool:
    try:
        return ring.key_id_of(_blob(text)) == ring.current_key_id
    except UnreadableError:
        return False


def _blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError("It is no ciphertext of ours.") from None
