"""What is encrypted with the key ring beside API keys. Apps register how theirs move to another encryption key.

API keys are many and have a walk of their own (`vault.reencryption`), which has these few moved first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sealed:
    """One kind of row. `move` re-encrypts those it can read and returns how many; safe to repeat, and beside the server.

    `count_elsewhere` says how many rows do not stand on the current encryption key; nothing is decrypted for it.
    """

    name: str
    """In the plural, as in "3 second factors"."""
    move: Callable[[], int]
    count_elsewhere: Callable[[], int]


_kinds: dict[str, Sealed] = {}


def register(kind: Sealed) -> None:
    _kinds[kind.name] = kind


def move_all() -> dict[str, int]:
    """Have everything registered moved to the current encryption key; returns the rows moved by name."""
    return {name: kind.move() for name, kind in _kinds.items()}


def elsewhere() -> dict[str, int]:
    """How many rows of each kind do not stand on the current encryption key; kinds that all do are left out."""
    found = {name: kind.count_elsewhere() for name, kind in _kinds.items()}
    return {name: count for name, count in found.items() if count}
