"""Moving stored keys to the current encryption key, online: row by row, to be stopped and resumed at any time.

A row that can't be read is reported and left as it is. Readers go on meanwhile, as long as LLMADMIN_ENCRYPTION_KEY still
holds the old key after the new one. A walk keeps in a row of its own how far it came, so that everybody can see it and it
goes on after a kill; looking at a row twice does no harm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Count
from django.utils import timezone

from llmadmin.core import sealed
from llmadmin.core.keyring import KeyRing, UnreadableError
from llmadmin.vault.models import ApiKey, Reencryption
from llmadmin.vault.sealing import bounds_of_row
from llmadmin.vault.sourcing import SourceError, read_source

BATCH = 100
SILENT_AFTER_S = 30.0
"""A walk that has said nothing for so long was killed: somebody else may go on with it."""
MAX_NAMED = 1_000


@dataclass(slots=True)
class Inventory:
    """Stored keys by what they are encrypted with."""

    on_current: int = 0
    on_old: int = 0
    """Readable, with a key that is not the first any more."""
    moved: int = 0
    """How many of `on_old` were re-encrypted just now."""
    unreadable: list[ApiKey] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many rows stand on one encryption key, by the id that each row carries; nothing is decrypted for it."""

    key_id: str
    rows: int
    is_current: bool
    is_held: bool
    """Whether this server has that key, so that the rows can be read."""


def standings() -> list[Standing]:
    """One for each encryption key in use, the current one first, then those with most rows. One query."""
    ring = KeyRing.from_settings()
    rows = ApiKey.objects.exclude(ciphertext=b"").order_by().values("encryption_key_id").annotate(rows=Count("pk"))
    found = {row["encryption_key_id"]: row["rows"] for row in rows}
    found.setdefault(ring.current_key_id, 0)
    standing = [
        Standing(key_id, count, key_id == ring.current_key_id, key_id in ring.key_ids)
        for key_id, count in found.items()
    ]
    return sorted(standing, key=lambda one: (not one.is_current, -one.rows))


def take_inventory() -> Inventory:
    """Open each stored key in memory and count. Nothing is changed."""
    inventory, last = Inventory(), None
    while batch := _batch(after=last):
        for key in batch:
            _look_at(key, inventory, is_dry_run=True)
        last = batch[-1].pk
    return inventory


def unreadable_keys() -> list[ApiKey]:
    """Stored keys that the present encryption keys don't open."""
    return take_inventory().unreadable


# Walks that are kept


def begin(*, by: str, is_dry_run: bool = False) -> Reencryption:
    """A new walk, or the one that is under way towards the same key."""
    ring = KeyRing.from_settings()
    under_way = Reencryption.objects.filter(
        ended_at__isnull=True, encryption_key_id=ring.current_key_id, is_dry_run=is_dry_run
    ).first()
    if under_way is not None:
        return under_way
    Reencryption.objects.filter(ended_at__isnull=True).update(ended_at=timezone.now())
    total = ApiKey.objects.exclude(ciphertext=b"").count()
    return Reencryption.objects.create(
        encryption_key_id=ring.current_key_id, is_dry_run=is_dry_run, started_by=by[:254], total=total
    )


def walk(run: Reencryption, *, on_progress: Callable[[Reencryption], None] = lambda _run: None) -> Reencryption:
    """Go on with a walk to its end, from where it stands. Two who walk the same one do each row once or twice, no harm done."""
    is_ours = KeyRing.from_settings().current_key_id == run.encryption_key_id
    if is_ours and not run.is_dry_run and run.ended_at is None:
        sealed.move_all()
    while is_ours and run.ended_at is None:
        batch = _batch(after=run.last_id)
        inventory = Inventory()
        for key in batch:
            reason = _look_at(key, inventory, is_dry_run=run.is_dry_run)
            if reason and len(run.unreadable) < MAX_NAMED:
                run.unreadable.append({"id": str(key.pk), "name": f"{key.provider.slug}/{key.label}", "reason": reason})
        run.seen += len(batch)
        run.moved += inventory.moved
        run.on_current += inventory.on_current
        run.unreadable_count += len(inventory.unreadable)
        run.last_id = batch[-1].pk if batch else run.last_id
        run.beat_at = timezone.now()
        run.ended_at = run.beat_at if len(batch) < BATCH else None
        run.save()
        on_progress(run)
    return run


def silent_walks() -> list[Reencryption]:
    """Walks that whoever began them has left, most likely because the process was killed."""
    silent_since = timezone.now() - dt.timedelta(seconds=SILENT_AFTER_S)
    return list(Reencryption.objects.filter(ended_at__isnull=True, beat_at__lt=silent_since))


def take_over(run: Reencryption) -> bool:
    """Be the one who goes on with a silent walk: True for exactly one of all who ask."""
    seen = Reencryption.objects.filter(pk=run.pk, ended_at__isnull=True, beat_at=run.beat_at)
    run.beat_at = timezone.now()
    return bool(seen.update(beat_at=run.beat_at))


def last_walk() -> Reencryption | None:
    return Reencryption.objects.order_by("-started_at").first()


def _look_at(key: ApiKey, inventory: Inventory, *, is_dry_run: bool) -> str:
    """Count one row, and move it where that is wanted. Answers why it can't be read, or nothing."""
    ring = KeyRing.from_settings()
    try:
        text = ring.decrypt(key.ciphertext, bound_to=bounds_of_row(key))
    except UnreadableError as problem:
        inventory.unreadable.append(key)
        return str(problem)
    if ring.key_id_of(key.ciphertext) == ring.current_key_id:
        inventory.on_current += 1
        return ""
    inventory.on_old += 1
    if not is_dry_run:
        inventory.moved += _move(key, text)
    return ""


def _batch(*, after: object) -> list[ApiKey]:
    """The next rows by id, so that no long read stands in the way of writers; without those that wait to be entered."""
    rows = ApiKey.objects.exclude(ciphertext=b"").select_related("provider").order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows)[:BATCH])


def _move(key: ApiKey, text: str) -> bool:
    ring = KeyRing.from_settings()
    unchanged = ApiKey.objects.filter(pk=key.pk, ciphertext=key.ciphertext)
    return bool(
        unchanged.update(
            ciphertext=ring.encrypt(text, bound_to=bounds_of_row(key)),
            encryption_key_id=ring.current_key_id,
            fingerprint=_fingerprint(key, text),
        )
    )


def _fingerprint(key: ApiKey, text: str) -> str:
    """Of the key itself, also where the row only says where it lies; unknown while it can't be read there."""
    if not key.source_ref:
        return KeyRing.from_settings().fingerprint(text)
    try:
        return KeyRing.from_settings().fingerprint(read_source(text, origin=key.origin))
    except SourceError:
        return ""
