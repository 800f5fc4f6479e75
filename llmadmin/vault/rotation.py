"""Replacing a key without a failed call: add the new one, test it, switch, let the old one drain, retire it.

    added ──▶ tested ──▶ draining ──▶ retired
      └─────────┴───────────┴──────▶ cancelled: the old key is as it was, the new one out of use

Everything is kept in rows, so a rotation goes on wherever somebody stopped, on any server. Each step is one change with
its audit entries. Until it is retired the old key stands by: it answers where no other key of the provider can.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from llmadmin.audit.services import current_actor, note
from llmadmin.core.errors import ConflictError, InvalidError, MissingError, StaleError
from llmadmin.core.redaction import redact_text
from llmadmin.vault.fields import FIELDS
from llmadmin.vault.models import ApiKey, KeyRotation, KeyState, RotationStep
from llmadmin.vault.services import add_key, lock_row, name_of, set_state

_COPIED = FIELDS - {"label", "expires_at"}
_ROTATABLE = (KeyState.ACTIVE, KeyState.DRAINING, KeyState.FAILED)
LONGEST_QUIET_S = 7 * 24 * 3600


def start_rotation(
    old: ApiKey,
    *,
    api_key: str = "",
    source_ref: str = "",
    label: str = "",
    retires_after_s: int | None = None,
    source: str = "ui",
    **fields: Any,
) -> KeyRotation:
    """Add the new key beside `old`, like it in all that `fields` does not say, and not yet in use.

    Raises ConflictError where a rotation of it is under way, InvalidError.
    """
    old = lock_row(old)
    if old.state not in _ROTATABLE:
        raise ConflictError("This key is not in use, so nothing can fail: put the new one straight in its place.")
    under_way = find_open(old)
    if under_way is not None:
        raise ConflictError(f"{old.label!r} is being rotated already. Go on with that rotation, or cancel it.")
    if retires_after_s is not None and not 60 <= retires_after_s <= LONGEST_QUIET_S:
        raise InvalidError.of(retires_after_s="Give between 60 seconds and 7 days, or nothing to retire it by hand.")
    like_old = {name: getattr(old, name) for name in _COPIED} | fields
    new = add_key(
        old.provider,
        label=label.strip() or _free_label(old),
        api_key=api_key,
        source_ref=source_ref,
        state=KeyState.DISABLED,
        state_reason=f"Waits to take the place of {old.label}."[:300],
        source=source,
        **like_old,
    )
    if new.fingerprint == old.fingerprint:
        raise InvalidError.of(api_key="This is the key that is in use now. Make a new one at the provider.")
    rotation = KeyRotation(
        old_key=old,
        new_key=new,
        old_state=old.intended_state,
        started_by=current_actor().label[:254],
        retires_after_s=retires_after_s,
    )
    rotation.save(force_insert=True)
    note("start_rotation", "key", name_of(old), after={"new_key": new.label})
    return rotation


def note_test(rotation: KeyRotation, *, has_passed: bool, message: str) -> KeyRotation:
    """Keep what a live check of the new key said. A failed one can be repeated, after whatever was wrong is mended."""
    rotation = _open_row(rotation)
    if rotation.step == RotationStep.DRAINING:
        raise ConflictError("The new key is in use already.")
    rotation.tested_at, rotation.test_passed = timezone.now(), has_passed
    rotation.test_message = redact_text(message)[:500]
    rotation.step = RotationStep.TESTED if has_passed else RotationStep.ADDED
    rotation.save()
    note("test", "key", name_of(rotation.new_key), after={"passed": has_passed, "message": rotation.test_message})
    return rotation


def switch(rotation: KeyRotation, *, is_forced: bool = False) -> KeyRotation:
    """New calls take the new key; the old one finishes what it began. Raises ConflictError where the new one was not tested."""
    rotation = _open_row(rotation)
    if rotation.step == RotationStep.DRAINING:
        return rotation
    if rotation.step != RotationStep.TESTED and not is_forced:
        raise ConflictError(
            "The new key has not passed its test. Test it first, or say that you want to switch without."
        )
    set_state(rotation.new_key, KeyState.ACTIVE, reason="")
    _to_drain(rotation.old_key)
    rotation.step, rotation.switched_at = RotationStep.DRAINING, timezone.now()
    rotation.save()
    note(
        "switch",
        "key",
        name_of(rotation.old_key),
        after={"new_key": rotation.new_key.label, "untested": not rotation.test_passed},
    )
    return rotation


def retire(rotation: KeyRotation) -> KeyRotation:
    """The old key is not used any more; what began over it goes on to its end. Raises ConflictError before the switch."""
    rotation = _open_row(rotation)
    if rotation.step != RotationStep.DRAINING:
        raise ConflictError("The old key still answers: switch to the new one first.")
    if rotation.new_key.state in (KeyState.FAILED, KeyState.LOCKED, KeyState.DISABLED):
        raise ConflictError(
            f"The new key is {rotation.new_key.get_state_display().lower()}. Mend that first, or cancel the rotation."
        )
    if rotation.old_key.state != KeyState.LOCKED:
        set_state(rotation.old_key, KeyState.DISABLED, reason=f"Retired: {rotation.new_key.label} took its place.")
    return _end(rotation, RotationStep.RETIRED, "retire")


def cancel(rotation: KeyRotation) -> KeyRotation:
    """Back to the old key: it is in use as before, the new one is kept out of use."""
    rotation = _open_row(rotation)
    if rotation.old_key.state == KeyState.DRAINING and rotation.old_state != KeyState.DRAINING:
        set_state(rotation.old_key, rotation.old_state)
    elif rotation.old_key.state == KeyState.FAILED:
        ApiKey.objects.filter(pk=rotation.old_key_id).update(resumes_as=rotation.old_state)
    if rotation.new_key.state != KeyState.LOCKED:
        set_state(
            rotation.new_key, KeyState.DISABLED, reason=f"The rotation of {rotation.old_key.label} was cancelled."
        )
    return _end(rotation, RotationStep.CANCELLED, "cancel_rotation")


def find_open(key: ApiKey) -> KeyRotation | None:
    """The rotation under way in which `key` is replaced."""
    return _rotations().filter(old_key=key, ended_at__isnull=True).first()


def find_open_on_either_side(key: ApiKey) -> KeyRotation | None:
    """The rotation under way in which `key` is replaced, or takes another one's place."""
    return _rotations().filter(Q(old_key=key) | Q(new_key=key), ended_at__isnull=True).first()


def rotation_of(key: ApiKey) -> KeyRotation | None:
    """The rotation under way that `key` takes part in, else the last one in which it was replaced."""
    return find_open_on_either_side(key) or _rotations().filter(old_key=key).first()


def get_rotation(rotation_id: uuid.UUID | str) -> KeyRotation:
    """Raises MissingError."""
    found = _rotations().filter(pk=rotation_id).first()
    if found is None:
        raise MissingError("There is no such rotation.")
    return found


def quiet_rotations() -> list[KeyRotation]:
    """Rotations whose old key may be retired by itself: nothing has used it for as long as was asked for."""
    now = timezone.now()
    waiting = _rotations().filter(step=RotationStep.DRAINING, ended_at__isnull=True, retires_after_s__isnull=False)
    return [one for one in waiting if is_quiet(one, now=now)]


def is_quiet(rotation: KeyRotation, *, now: dt.datetime) -> bool:
    """Whether the old key has gone unused for long enough since the switch, while the new one works."""
    if rotation.switched_at is None or rotation.retires_after_s is None:
        return False
    last = max(rotation.switched_at, rotation.old_key.last_used_at or rotation.switched_at)
    is_due = now - last >= dt.timedelta(seconds=rotation.retires_after_s)
    return is_due and rotation.new_key.state == KeyState.ACTIVE


def _rotations() -> QuerySet[KeyRotation]:
    return KeyRotation.objects.select_related("old_key__provider", "new_key__provider").order_by("-started_at")


def _open_row(rotation: KeyRotation) -> KeyRotation:
    """The rotation as it is now, with both keys, locked until the transaction ends. Raises ConflictError where it has ended."""
    current = KeyRotation.objects.select_for_update().filter(pk=rotation.pk).first()
    if current is None:
        raise StaleError("This rotation is gone, since one of its keys was deleted.")
    if not current.is_open:
        raise ConflictError(f"This rotation has ended: {current.get_step_display().lower()}.")
    current.old_key, current.new_key = lock_row(current.old_key), lock_row(current.new_key)
    return current


def _to_drain(old: ApiKey) -> None:
    """A key that the provider refuses already has nothing to finish; it drains once it works again."""
    if old.state == KeyState.FAILED:
        ApiKey.objects.filter(pk=old.pk).update(resumes_as=KeyState.DRAINING)
    elif old.state == KeyState.ACTIVE:
        set_state(old, KeyState.DRAINING)


def _end(rotation: KeyRotation, step: RotationStep, act: str) -> KeyRotation:
    rotation.step, rotation.ended_at = step, timezone.now()
    rotation.save()
    note(act, "key", name_of(rotation.old_key), after={"new_key": rotation.new_key.label})
    return rotation


def _free_label(old: ApiKey) -> str:
    """`prod` → `prod 2` → `prod 3`."""
    stem, _, number = old.label.rpartition(" ")
    stem = stem if stem and number.isdigit() else old.label
    taken = set(ApiKey.objects.filter(provider_id=old.provider_id).values_list("label", flat=True))
    return next(label for n in range(2, len(taken) + 3) if (label := f"{stem[:110]} {n}") not in taken)
