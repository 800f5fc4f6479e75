"""Changing API keys; all but `note_keys_used` run inside `config.change`. Plaintext comes in here and never goes out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from llmadmin.accounts.permissions import SECRETS_WRITE, guard
from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.core.errors import ConflictError, InvalidError, StaleError
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.reencryption import unreadable_keys
from llmadmin.vault.sealing import checked_plaintext, seal

__all__ = [
    "add_key",
    "delete_key",
    "lock_keys",
    "note_keys_used",
    "rotate_key",
    "set_state",
    "unreadable_keys",
    "update_key",
]

_FIELDS = frozenset({"label", "environment", "weight", "expires_at"})
_MAX_ORIGIN_LENGTH = 500
_SETTABLE = (KeyState.ACTIVE, KeyState.DRAINING, KeyState.DISABLED, KeyState.FAILED)


def add_key(
    provider: Provider,
    *,
    label: str,
    api_key: str,
    environment: str = "production",
    weight: int = 1,
    expires_at: dt.datetime | None = None,
    source: str = "ui",
) -> ApiKey:
    """Store a key, bound to where the provider points now. Raises InvalidError, ConflictError."""
    guard(SECRETS_WRITE)
    if not isinstance(api_key, str) or not api_key.strip():
        raise InvalidError.of(api_key="Paste the key that the provider gave you.")
    key = ApiKey(
        provider=provider, label=label, environment=environment, weight=weight, expires_at=expires_at, source=source
    )
    seal(key, checked_plaintext(api_key), origin=_origin_to_enter_for(provider))
    _check_fields(key)
    key.save(force_insert=True)
    note("create", "key", _name_of(key), after=state_of(key))
    return key


def update_key(
    key: ApiKey, *, expected_revision: int | None = None, api_key: str | None = None, **fields: Any
) -> ApiKey:
    """Set the given fields. An `api_key` left out or empty keeps the stored one; a new one unlocks the row.

    Raises StaleError when someone saved it since `expected_revision`, InvalidError, ConflictError.
    """
    key = _locked(key, expected_revision=expected_revision)
    before = state_of(key)
    for name, value in fields.items():
        if name not in _FIELDS:
            raise InvalidError.of(**{name: "A key has no such field that can be changed."})
        setattr(key, name, value)
    if api_key is not None and not isinstance(api_key, str):
        raise InvalidError.of(api_key="Give the key as text.")
    is_new_key = bool(api_key and api_key.strip())
    if is_new_key:
        _enter(key, api_key or "")
    _check_fields(key)
    if not is_new_key and state_of(key) == before:
        return key
    _save(key)
    note("rotate" if is_new_key else "update", "key", _name_of(key), before=before, after=state_of(key))
    return key


def rotate_key(key: ApiKey, *, api_key: str, expected_revision: int | None = None) -> ApiKey:
    """Put another key in the row's place. Calls under way keep the old one; calls after the next version take the new one."""
    if not isinstance(api_key, str) or not api_key.strip():
        raise InvalidError.of(api_key="Paste the new key.")
    return update_key(key, expected_revision=expected_revision, api_key=api_key)


def delete_key(key: ApiKey, *, expected_revision: int | None = None) -> None:
    """The key goes for good: no version brings it back."""
    key = _locked(key, expected_revision=expected_revision)
    name, before = _name_of(key), state_of(key)
    key.delete()
    note("delete", "key", name, before=before)


def set_state(key: ApiKey, state: str, *, reason: str = "", expected_revision: int | None = None) -> ApiKey:
    """Take a key into use or out of it. A locked key is unlocked only by entering it again: ConflictError."""
    key = _locked(key, expected_revision=expected_revision)
    if state not in _SETTABLE:
        raise InvalidError.of(state=f"Choose one of {', '.join(_SETTABLE)}.")
    if key.state == KeyState.LOCKED:
        raise ConflictError(f"This key is locked. {key.state_reason or 'Enter it again.'}")
    if state in (KeyState.ACTIVE, KeyState.DRAINING) and key.origin != origin_of(key.provider):
        raise ConflictError(f"This key was entered for {key.origin}. Enter it again for where the provider points now.")
    before = state_of(key)
    key.state, key.state_reason = state, reason[:300]
    if state_of(key) != before:
        _save(key)
        note("update", "key", _name_of(key), before=before, after=state_of(key))
    return key


def lock_keys(provider: Provider, *, after: str) -> None:
    """Lock the keys of a provider that points to another origin now, until each is entered again."""
    keys = ApiKey.objects.select_for_update(of=("self",)).select_related("provider").filter(provider=provider)
    for key in keys.exclude(state=KeyState.LOCKED).exclude(origin=after):
        before = state_of(key)
        key.state = KeyState.LOCKED
        key.state_reason = f"Entered for {key.origin[:100]}, provider now points to {after[:100]}: enter it again."
        _save(key)
        note("lock", "key", _name_of(key), before=before, after=state_of(key))


def note_keys_used(used_at: Mapping[uuid.UUID, dt.datetime]) -> None:
    """Move the keys' last use forward, never back. No audit entry, no version."""
    for key_id, at in used_at.items():
        earlier = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
        ApiKey.objects.filter(earlier, pk=key_id).update(last_used_at=at)


def _enter(key: ApiKey, api_key: str) -> None:
    seal(key, checked_plaintext(api_key), origin=_origin_to_enter_for(key.provider))
    key.last_error, key.last_error_at = "", None
    if key.state in (KeyState.LOCKED, KeyState.FAILED):
        key.state, key.state_reason = KeyState.ACTIVE, ""


def _origin_to_enter_for(provider: Provider) -> str:
    origin = origin_of(provider)
    if not origin:
        raise InvalidError.of(provider=f"{provider.slug} has no address yet. Set its base URL, then enter the key.")
    if len(origin) > _MAX_ORIGIN_LENGTH:
        raise InvalidError.of(provider=f"{provider.slug} has a base URL or routing headers too long to bind a key to.")
    return origin


def _locked(key: ApiKey, *, expected_revision: int | None) -> ApiKey:
    """The row as it is now, locked until the transaction ends. Raises StaleError."""
    guard(SECRETS_WRITE)
    current = ApiKey.objects.select_for_update(of=("self",)).select_related("provider").filter(pk=key.pk).first()
    if current is None:
        raise StaleError(f"The key {key.label!r} was deleted meanwhile.")
    if expected_revision is not None and current.revision != expected_revision:
        raise StaleError(
            f"Someone changed the key {current.label!r} since you opened it. Load it again and repeat your change."
        )
    return current


def _save(key: ApiKey) -> None:
    key.revision += 1
    key.save()


def _check_fields(key: ApiKey) -> None:
    try:
        key.clean_fields(exclude={column.name for column in ApiKey._meta.fields} - _FIELDS)
    except ValidationError as problem:
        raise InvalidError.of(**{name: " ".join(texts) for name, texts in problem.message_dict.items()}) from None
    if not 1 <= key.weight <= 1000:
        raise InvalidError.of(weight="Choose a weight between 1 and 1000.")
    if key.expires_at is not None and timezone.is_naive(key.expires_at):
        raise InvalidError.of(expires_at="Give the moment with its time zone.")
    if ApiKey.objects.filter(provider_id=key.provider_id, label=key.label).exclude(pk=key.pk).exists():
        raise ConflictError(
            f"{key.provider.slug} has a key labelled {key.label!r} already.", fields={"label": "Choose another label."}
        )


def _name_of(key: ApiKey) -> str:
    return f"{key.provider.slug}/{key.label}"
