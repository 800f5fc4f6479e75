"""One owner for each object: what a config file brought is changed in the file, or taken over first.

A file owns what it can say. What it can't (an object's label and description, whether it is switched on) stays with people,
so that a provider can be stopped at night without a commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from llmadmin.core.errors import OwnedError
from llmadmin.core.fields import Source

PEOPLES_FIELDS = frozenset({"label", "description", "enabled"})

_is_overruled: ContextVar[bool] = ContextVar("ownership_is_overruled", default=False)


@contextmanager
def overruled() -> Iterator[None]:
    """Within it files' objects may be changed: by the file itself, by a restored version."""
    token = _is_overruled.set(True)
    try:
        yield
    finally:
        _is_overruled.reset(token)


def is_overruled() -> bool:
    return _is_overruled.get()


def require_own(row: Any, *, noun: str, called: str = "", fields: Iterable[str] | None = None) -> None:
    """Raise OwnedError where `row` is a file's and one of `fields` (None: all of it) is what files say."""
    if row.source != Source.FILE or _is_overruled.get():
        return
    if fields is not None and PEOPLES_FIELDS.issuperset(fields):
        return
    name = called or f"the {noun} '{row}'"
    raise OwnedError(
        f"{name[0].upper()}{name[1:]} belongs to a config file, which would undo this when it is applied again. Change it in the "
        "file, or take it over first."
    )
