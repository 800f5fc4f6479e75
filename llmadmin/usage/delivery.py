"""Bringing entries to the database so that one bad entry never holds up the others, and is never thrown away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from django.db import DataError, IntegrityError

from llmadmin.usage.entry import UsageEntry

log = structlog.get_logger(__name__)

_BAD_CONTENT = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


def deliver(entries: Sequence[UsageEntry], store: Callable[[Sequence[UsageEntry]], Any], *, aside: Path) -> int:
    """Store the entries and return how many the database refused for what they hold.

    Those are appended to `aside` for a person to look at. Any other failure (the database is away) goes through.
    """
    try:
        store(entries)
    except _BAD_CONTENT as problem:
        if len(entries) == 1:
            _set_aside(entries[0], aside, problem)
            return 1
        middle = len(entries) // 2
        return deliver(entries[:middle], store, aside=aside) + deliver(entries[middle:], store, aside=aside)
    return 0


def _set_aside(entry: UsageEntry, aside: Path, problem: Exception) -> None:
    with aside.open("ab") as file:
        file.write(entry.to_json() + b"\n")
    log.error(
        "a usage record was refused by the database",
        record_id=str(entry.id),
        file=aside.name,
        reason=str(problem)[:200],
    )
