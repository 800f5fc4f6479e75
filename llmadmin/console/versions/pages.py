"""A long list of changes in pages: they come from one row of the database, so there is nothing to look up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SIZE = 100


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Some of the changes; `number` counts from 1."""

    rows: Sequence[dict[str, Any]]
    number: int
    first: int
    last: int
    total: int

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.last < self.total else None


def page_of(changes: Sequence[dict[str, Any]], given: str) -> ChangesPage:
    """The page that `?page=` names; the nearest one where there is none of that number."""
    pages = max(1, -(-len(changes) // SIZE))
    number = min(max(1, number_of(given) or 1), pages)
    start = (number - 1) * SIZE
    rows = changes[start : start + SIZE]
    return ChangesPage(rows, number, start + 1, start + len(rows), len(changes))


def number_of(given: str) -> int | None:
    """A version's or a page's number from the URL, None for what is none."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None
