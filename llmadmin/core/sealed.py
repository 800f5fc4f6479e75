"""What is encrypted with the key ring beside API keys. Apps register how theirs move to another encryption key.

API keys are many and have a walk of their own (`vault.reencryption`), which has these few moved first.
"""

from __future__ import annotations

from collections.abc import Callable

_movers: dict[str, Callable[[], int]] = {}


def register(name: str, move: Callable[[], int]) -> None:
    """`move` re-encrypts what it can read and returns how many rows moved; it is safe to repeat, and beside the server."""
    _movers[name] = move


def move_all() -> dict[str, int]:
    """Have everything registered moved to the current encryption key; returns the rows moved by name."""
    return {name: move() for name, move in _movers.items()}
