"""Bringing in the journals of processes that ended before they had stored everything."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from llmadmin.usage.delivery import deliver
from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.segments import OPENED, SETTLED, lines_of, read_line

log = structlog.get_logger(__name__)

Store = Callable[[Sequence[UsageEntry]], Any]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Recovered:
    """`settled` had ended before their process did; `aborted` were open when it died."""

    settled: int = 0
    aborted: int = 0


def recover(directory: Path, store: Store) -> Recovered:
    """Store what dead processes left in `directory`, and delete their files.

    Safe to repeat and to run in several processes at once: a journal is worked on by whoever holds its lock, and storing
    is idempotent by id. What `store` raises when the database is away goes through; the files stay.
    """
    total = Recovered()
    names = {path.name.rsplit("-", 1)[0] for path in directory.glob("*-*-*.jsonl")}
    names |= {path.stem for path in directory.glob("*.lock")}
    for name in sorted(names):
        one = _recover_one(directory, name, store)
        total = Recovered(total.settled + one.settled, total.aborted + one.aborted)
    if total != Recovered():
        log.info("usage of ended processes was brought in", settled=total.settled, aborted=total.aborted)
    return total


def _recover_one(directory: Path, name: str, store: Store) -> Recovered:
    lock = directory / f"{name}.lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return Recovered()
    try:
        segments = sorted(directory.glob(f"{name}-*.jsonl"))
        recovered = _bring_in(segments, store, aside=directory / "refused.jsonl")
        for segment in segments:
            segment.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
        return recovered
    finally:
        os.close(descriptor)


def _bring_in(segments: Sequence[Path], store: Store, *, aside: Path) -> Recovered:
    still_open: dict[UUID, UsageEntry] = {}
    batch: list[UsageEntry] = []
    settled = 0
    for segment in segments:
        for line, _ in lines_of(segment):
            kind, entry = read_line(line)
            if entry is None:
                continue
            if kind == OPENED:
                still_open[entry.id] = entry
            elif kind == SETTLED:
                still_open.pop(entry.id, None)
                batch.append(entry)
                settled += 1
            if len(batch) >= _BATCH:
                deliver(batch, store, aside=aside)
                batch = []
    batch += [_aborted(entry) for entry in still_open.values()]
    for start in range(0, len(batch), _BATCH):
        deliver(batch[start : start + _BATCH], store, aside=aside)
    return Recovered(settled=settled, aborted=len(still_open))


def _aborted(entry: UsageEntry) -> UsageEntry:
    entry.settlement = "aborted"
    entry.status = "error"
    entry.error_message = entry.error_message or "The llmadmin process ended while this call was running."
    return entry
