"""Moving stored keys to the current encryption key, online: row by row, to be stopped and resumed at any time.

A row that can't be read is reported and left as it is. Readers go on meanwhile, as long as LLMADMIN_ENCRYPTION_KEY still
holds the old key after the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from llmadmin.core.keyring import KeyRing, UnreadableError
from llmadmin.vault.models import ApiKey
from llmadmin.vault.sealing import bounds_of

_BATCH = 100


@dataclass(slots=True)
class Inventory:
    """Stored keys by what they are encrypted with."""

    on_current: int = 0
    on_old: int = 0
    """Readable, with a key that is not the first any more."""
    unreadable: list[ApiKey] = field(default_factory=list)
    moved: int = 0
    """How many of `on_old` were re-encrypted by this run."""


def take_inventory() -> Inventory:
    """Open each stored key in memory and count. Nothing is changed."""
    return _walk(lambda _key, _plaintext: False, lambda _inventory: None)


def reencrypt(*, on_progress: Callable[[Inventory], None] = lambda _inventory: None) -> Inventory:
    """Re-encrypt every readable key that is not on the current encryption key. Safe to repeat and beside the running server.

    A row that someone saves meanwhile is not overwritten: their save is on the current key already.
    """
    return _walk(_move, on_progress)


def unreadable_keys() -> list[ApiKey]:
    """Stored keys that the present encryption keys don't open."""
    return take_inventory().unreadable


def _walk(move: Callable[[ApiKey, str], bool], on_progress: Callable[[Inventory], None]) -> Inventory:
    inventory = Inventory()
    ring = KeyRing.from_settings()
    for key in _rows():
        try:
            plaintext = ring.decrypt(key.ciphertext, bound_to=bounds_of(key.pk, key.provider_id, key.origin))
        except UnreadableError:
            inventory.unreadable.append(key)
        else:
            if ring.key_id_of(key.ciphertext) == ring.current_key_id:
                inventory.on_current += 1
            else:
                inventory.on_old += 1
                inventory.moved += move(key, plaintext)
        on_progress(inventory)
    return inventory


def _rows() -> Iterator[ApiKey]:
    """In batches by id, so that no long read stands in the way of writers; without those that wait to be entered."""
    last = None
    while True:
        rows = ApiKey.objects.exclude(ciphertext=b"").select_related("provider").order_by("pk")
        batch = list((rows.filter(pk__gt=last) if last else rows)[:_BATCH])
        if not batch:
            return
        yield from batch
        last = batch[-1].pk


def _move(key: ApiKey, plaintext: str) -> bool:
    ring = KeyRing.from_settings()
    unchanged = ApiKey.objects.filter(pk=key.pk, ciphertext=key.ciphertext)
    return bool(
        unchanged.update(
            ciphertext=ring.encrypt(plaintext, bound_to=bounds_of(key.pk, key.provider_id, key.origin)),
            encryption_key_id=ring.current_key_id,
            fingerprint=ring.fingerprint(plaintext),
        )
    )
