"""Changing API keys; all but `note_keys_used` run inside `config.change`. Plaintext comes in here and never goes out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils import timezone

from llmadmin.accounts.permissions import SECRETS_WRITE, guard
from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.core.errors import ConflictError, InvalidError, StaleError
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.entering import enter_key
from llmadmin.vault.fields import FIELDS, check_fields
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.reencryption import unreadable_keys
from llmadmin.vault.sealing import show

__all__ = [
    "add_key",
    "delete_key",
    "is_other_text",
    "lock_keys",
    "lock_row",
    "name_of",
    "note_keys_used",
    "rotate_key",
    "save_row",
    "set_state",
    "take_up_source",
    "unreadable_keys",
    "update_key",
]

_SETTABLE = (KeyState.ACTIVE, KeyState.DRAINING, KeyState.DISABLED, KeyState.FAILED)


def add_key(
    provider: Provider,
    *,
    label: str,
    api_key: str = "",
    source_ref: str = "",
    state: str = KeyState.ACTIVE,
    state_reason: str = "",
    source: str = "ui",
    **fields: Any,
) -> ApiKey:
    """Store a key, or where its text lies (`source_ref`), bound to where the provider points now.

    `fields` are those of `fields.FIELDS`. Raises InvalidError, ConflictError, ForbiddenError.
    """
    guard(SECRETS_WRITE)
    key = ApiKey(provider=provider, label=label, state=state, state_reason=state_reason, source=source)
    _set_fields(key, fields)
    enter_key(key, api_key=api_key, source_ref=source_ref)
    check_fields(key)
    key.save(force_insert=True)
    note("create", "key", name_of(key), after=state_of(key))
    return key


def update_key(
    key: ApiKey,
    *,
    expected_revision: int | None = None,
    api_key: str | None = None,
    source_ref: str | None = None,
    **fields: Any,
) -> ApiKey:
    """Set the given fields. An `api_key` left out or empty keeps the stored one; a new one unlocks the row.

    So does another `source_ref`; the same one says nothing, since whoever sends an object back sends it too.
    Raises StaleError when someone saved it since `expected_revision`, InvalidError, ConflictError.
    """
    key = lock_row(key, expected_revision=expected_revision)
    if api_key is not None and not isinstance(api_key, str):
        raise InvalidError.of(api_key="Give the key as text.")
    new_ref = source_ref if source_ref != key.source_ref else ""
    return _changed(key, fields, api_key=api_key or "", source_ref=new_ref or "")


def rotate_key(key: ApiKey, *, api_key: str = "", source_ref: str = "", expected_revision: int | None = None) -> ApiKey:
    """Put another key in the row's place at once. Calls under way keep the old one; calls after the next version take the new one.

    Where the old one should answer until the new one has proved itself, see `rotation`.
    """
    if not isinstance(api_key, str) or not (api_key.strip() or source_ref):
        raise InvalidError.of(api_key="Paste the new key.")
    key = lock_row(key, expected_revision=expected_revision)
    if source_ref and source_ref == key.source_ref and key.state != KeyState.LOCKED:
        raise ConflictError(f"This key is read from {source_ref} already; a change there is taken up by itself.")
    return _changed(key, {}, api_key=api_key, source_ref=source_ref)


def delete_key(key: ApiKey, *, expected_revision: int | None = None) -> None:
    """The key goes for good: no version brings it back."""
    key = lock_row(key, expected_revision=expected_revision)
    name, before = name_of(key), state_of(key)
    key.delete()
    note("delete", "key", name, before=before)


def set_state(key: ApiKey, state: str, *, reason: str = "", expected_revision: int | None = None) -> ApiKey:
    """Take a key into use or out of it. A locked key is unlocked only by entering it again: ConflictError."""
    key = lock_row(key, expected_revision=expected_revision)
    if state not in _SETTABLE:
        raise InvalidError.of(state=f"Choose one of {', '.join(_SETTABLE)}.")
    if key.state == KeyState.LOCKED:
        raise ConflictError(f"This key is locked. {key.state_reason or 'Enter it again.'}")
    if state in (KeyState.ACTIVE, KeyState.DRAINING) and key.origin != origin_of(key.provider):
        raise ConflictError(f"This key was entered for {key.origin}. Enter it again for where the provider points now.")
    before = state_of(key)
    key.resumes_as = key.intended_state if state == KeyState.FAILED else ""
    key.probe_at = timezone.now() if state == KeyState.FAILED else None
    key.state, key.state_reason = state, reason[:300]
    if state_of(key) != before:
        save_row(key)
        note("update", "key", name_of(key), before=before, after=state_of(key))
    return key


def lock_keys(provider: Provider, *, after: str) -> None:
    """Lock the keys of a provider that points to another origin now, until each is entered again."""
    keys = ApiKey.objects.select_for_update(of=("self",)).select_related("provider").filter(provider=provider)
    for key in keys.exclude(state=KeyState.LOCKED).exclude(origin=after):
        before = state_of(key)
        key.resumes_as, key.probe_at = "", None
        key.state = KeyState.LOCKED
        key.state_reason = f"Entered for {key.origin[:100]}, provider now points to {after[:100]}: enter it again."
        save_row(key)
        note("lock", "key", name_of(key), before=before, after=state_of(key))


def is_other_text(key_id: uuid.UUID, text: str) -> bool:
    """Whether the row shows another text than this one, which was read from its source."""
    fingerprint = KeyRing.from_settings().fingerprint(text)
    return ApiKey.objects.filter(pk=key_id).exclude(fingerprint=fingerprint).exclude(source_ref="").exists()


def take_up_source(key_id: uuid.UUID, text: str) -> bool:
    """What lies at the key's source became `text`: show that, and forget what was learned of the one before."""
    key = ApiKey.objects.select_for_update(of=("self",)).select_related("provider").filter(pk=key_id).first()
    if key is None or not key.source_ref or key.state == KeyState.LOCKED:
        return False
    before = state_of(key)
    show(key, text)
    key.entered_at = timezone.now()
    _put_to_use(key)
    save_row(key)
    note("rotate", "key", name_of(key), before=before, after=state_of(key))
    return True


def note_keys_used(used_at: Mapping[uuid.UUID, dt.datetime]) -> None:
    """Move the keys' last use forward, never back. No audit entry, no version."""
    for key_id, at in used_at.items():
        earlier = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
        ApiKey.objects.filter(earlier, pk=key_id).update(last_used_at=at)


def lock_row(key: ApiKey, *, expected_revision: int | None = None) -> ApiKey:
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


def save_row(key: ApiKey) -> None:
    key.revision += 1
    key.save()


def name_of(key: ApiKey) -> str:
    """What the audit log calls the key."""
    return f"{key.provider.slug}/{key.label}"


def _changed(key: ApiKey, fields: Mapping[str, Any], *, api_key: str, source_ref: str) -> ApiKey:
    """The locked row with the given fields, and where one of the two is given with another text."""
    before = state_of(key)
    _set_fields(key, fields)
    is_new_key = bool(api_key.strip() or source_ref)
    if is_new_key:
        enter_key(key, api_key=api_key, source_ref=source_ref)
        _put_to_use(key)
    check_fields(key)
    if not is_new_key and state_of(key) == before:
        return key
    save_row(key)
    note("rotate" if is_new_key else "update", "key", name_of(key), before=before, after=state_of(key))
    return key


def _set_fields(key: ApiKey, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise InvalidError.of(**{name: "A key has no such field that can be changed."})
        setattr(key, name, value)


def _put_to_use(key: ApiKey) -> None:
    """A key that was entered anew has no past; one that people switched off stays off."""
    key.last_error, key.last_error_at = "", None
    key.failure_class, key.failure_count, key.probe_at = "", 0, None
    if key.state in (KeyState.LOCKED, KeyState.FAILED):
        key.state, key.state_reason, key.resumes_as = key.resumes_as or KeyState.ACTIVE, "", ""
