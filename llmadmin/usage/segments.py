"""Segment files of the journal: whole JSON lines, appended by one process and read from where reading stopped."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from llmadmin.usage.entry import UsageEntry

OPENED = "open"
SETTLED = "settle"
_OPENED_START = b'{"kind":"open",'
_BLOCK_BYTES = 1024 * 1024


def line_of(kind: str, entry: UsageEntry) -> bytes:
    if kind == OPENED:
        return b'{"kind":"open","entry":%b}\n' % entry.to_opening_json()
    return b'{"kind":"settle","entry":%b}\n' % entry.to_json()


def read_line(line: bytes) -> tuple[str, UsageEntry | None]:
    """What a line says; an entry of None for one that was torn off when its process died or the disk was full."""
    try:
        row = orjson.loads(line)
        return row["kind"], UsageEntry.from_json(row["entry"])
    except (ValueError, KeyError, TypeError):
        return "", None


def lines_of(path: Path, *, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Whole lines from byte `start` on, each with the byte after it. A last line without its end is not given."""
    with path.open("rb") as file:
        file.seek(start)
        position = start
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                position += len(line) + 1
                if line:
                    yield line, position


class Segment:
    """One file that this process appends to; `drained` is the byte up to which the database knows it."""

    __slots__ = ("_descriptor", "_is_dirty", "_is_torn", "drained", "made_s", "opens", "path", "size")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.drained = 0
        self.opens = 0
        """Calls that were opened here and are not settled yet; while there are any, the file must stay."""
        self.made_s = time.monotonic()
        self._is_dirty = False
        self._is_torn = False
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def append(self, line: bytes) -> None:
        """Write one whole line; OSError when the disk does not take it whole. A torn piece is fenced off by the next."""
        data = b"\n" + line if self._is_torn else line
        written = os.write(self._descriptor, data)
        self.size += written
        self._is_dirty = True
        self._is_torn = written < len(data)
        if self._is_torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def batches(self, count: int) -> Iterator[tuple[list[UsageEntry], int]]:
        """Settled entries that were not drained yet, at most `count` at once, each batch with the byte after it."""
        if self.drained >= self.size:
            return
        entries: list[UsageEntry] = []
        end = self.drained
        for line, after in lines_of(self.path, start=self.drained):
            end = after
            if line.startswith(_OPENED_START):
                continue
            kind, entry = read_line(line)
            if kind == SETTLED and entry is not None:
                entries.append(entry)
            if len(entries) >= count:
                yield entries, end
                entries = []
        yield entries, end

    def sync(self) -> None:
        if self._is_dirty and self._descriptor >= 0:
            self._is_dirty = False
            os.fdatasync(self._descriptor)

    def close(self, *, delete: bool) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if delete:
            self.path.unlink(missing_ok=True)
