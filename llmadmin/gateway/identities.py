"""Ids of calls: unique, not secret, and made without asking the kernel, which costs more than the rest of a record."""

from __future__ import annotations

import os
import random
import uuid

_random = random.Random()  # noqa: S311 - an id only has to be unique
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> uuid.UUID:
    """A random UUID (version 4)."""
    return uuid.UUID(int=_random.getrandbits(128), version=4)


def new_request_id() -> str:
    """An id in the form of `core.request_id.new`."""
    return f"req_{_random.getrandbits(128):032x}"
