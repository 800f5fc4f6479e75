"""The journal: every call is on disk before it begins and settled there before its last byte goes out.

One process appends JSON lines to segment files `<pid>-<boot>-<n>.jsonl`; a thread brings what is settled to the database
in batches and deletes finished segments. `kill -9` loses nothing, since a line is written with one `write()`; a power cut
loses what the last second wrote. Segments of a process that has ended are brought in by `llmadmin.usage.recovery`.

Whether a process lives is told by an exclusive lock on `<pid>-<boot>.lock`, which the kernel drops with the process; a
process id that is used again changes nothing.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from llmadmin.usage.delivery import deliver
from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.segments import OPENED, SETTLED, Segment, line_of, read_line

log = structlog.get_logger(__name__)

Store = Callable[[Sequence[UsageEntry]], Any]

BATCH = 500
SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENT_AGE_S = 60.0
BACKLOG_LINES = 10_000
LONGEST_PAUSE_S = 30.0


def default_directory() -> Path:
    """Where the journals of this installation's processes lie."""
    from django.conf import settings

    return Path(settings.DATA_DIR) / "journal"


class Journal:
    """The journal of this process. `open` and `settle` may be called from any thread; neither waits for the database.

    When the disk refuses a line it is kept in memory (at most `BACKLOG_LINES`) and written or stored later; a call never
    fails for it. `depth`, `oldest_at`, `in_flight`, `refused` and `lost` are there to be shown.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_age_s: float = SEGMENT_AGE_S,
    ) -> None:
        self.directory = Path(directory or default_directory())
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.refused = 0
        """Settled entries that the database does not take; they lie in `refused.jsonl`."""
        self.lost = 0
        """Lines that found neither disk nor room in memory."""
        self._segment_bytes = segment_bytes
        self._segment_age_s = segment_age_s
        self._lock = threading.Lock()
        self._drain_lock = threading.Lock()
        self._in_flight: dict[uuid.UUID, Segment] = {}
        self._backlog: deque[tuple[str, bytes]] = deque()
        self._pending = 0
        self._oldest_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ownership = hold_lock(self.directory / f"{self.name}.lock")
        self._number = 0
        self._segments: list[Segment] = [self._new_segment()]

    @property
    def depth(self) -> int:
        """Settled calls that are not in the database yet."""
        return self._pending

    @property
    def oldest_at(self) -> datetime | None:
        """Since when the oldest of them waits; None when none does."""
        return self._oldest_at

    @property
    def in_flight(self) -> int:
        """Calls that are open now."""
        return len(self._in_flight)

    def open(self, entry: UsageEntry) -> None:
        """Write that this call begins. Should the process die, the record says what the entry says now."""
        line = line_of(OPENED, entry)
        with self._lock:
            segment = self._append(OPENED, line)
            segment.opens += 1
            self._in_flight[entry.id] = segment

    def settle(self, entry: UsageEntry) -> None:
        """Write how the call ended; from here on it will reach the database."""
        if entry.settlement == "open":
            raise ValueError("Settle an entry as final, estimated or aborted before it is written.")
        line = line_of(SETTLED, entry)
        with self._lock:
            self._append(SETTLED, line)
            self._pending += 1
            self._oldest_at = self._oldest_at or datetime.now(UTC)
            opened_in = self._in_flight.pop(entry.id, None)
            if opened_in is not None:
                opened_in.opens -= 1

    def start(self, store: Store, *, interval_s: float = 1.0) -> None:
        """Begin to sync and drain in a thread of its own, after bringing in what processes before left behind."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, args=(store, interval_s), name="usage-journal", daemon=True)
        self._thread.start()

    def stop(self, store: Store | None = None, *, timeout_s: float = 20.0) -> None:
        """Drain once more, and let go of the files: deleted when all is stored, else left to `recover`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None
        if store is not None:
            try:
                self.drain(store)
            except Exception as problem:  # noqa: BLE001 - whatever is away, the lines stay on disk
                log.warning("usage stays in the journal", reason=type(problem).__name__, depth=self.depth)
        self.sync()
        if not self._drain_lock.acquire(timeout=timeout_s):
            return  # the database neither answers nor refuses; the kernel lets go of the files with the process
        try:
            self._let_go()
        finally:
            self._drain_lock.release()

    def _let_go(self) -> None:
        with self._lock:
            is_done = not self._pending and not self._in_flight
            for segment in self._segments:
                segment.close(delete=is_done)
            self._segments = []
        if is_done:
            (self.directory / f"{self.name}.lock").unlink(missing_ok=True)
        os.close(self._ownership)

    def sync(self) -> None:
        """Make what is written survive a power cut."""
        for segment in list(self._segments):
            segment.sync()

    def drain(self, store: Store) -> int:
        """Bring what is settled to `store` in batches, delete finished segments, and return how many entries went.

        What `store` raises because the database is away goes through; nothing is forgotten by that.
        """
        with self._drain_lock:
            moved = self._drain_backlog(store)
            for segment in list(self._segments):
                moved += self._drain_segment(segment, store)
            self._rotate_when_due()
            self._drop_finished()
            if not self._pending:
                self._oldest_at = None
            return moved

    def _append(self, kind: str, line: bytes) -> Segment:
        segment = self._segments[-1]
        if segment.size >= self._segment_bytes:
            segment = self._rotate()
        try:
            while self._backlog:
                segment.append(self._backlog[0][1])
                self._backlog.popleft()
            segment.append(line)
        except OSError as problem:
            self._keep(kind, line, problem)
        return segment

    def _keep(self, kind: str, line: bytes, problem: OSError) -> None:
        if not self._backlog:
            log.error("the journal can't be written; usage is kept in memory", reason=problem.strerror)
        if len(self._backlog) >= BACKLOG_LINES:
            dropped, _ = self._backlog.popleft()
            self.lost += 1
            self._pending -= dropped == SETTLED
        self._backlog.append((kind, line))

    def _drain_backlog(self, store: Store) -> int:
        """While the disk refuses lines, settled ones go to the database straight from memory."""
        with self._lock:
            lines = [line for kind, line in self._backlog if kind == SETTLED][:BATCH]
        if not lines:
            return 0
        self._deliver([entry for _, entry in map(read_line, lines) if entry is not None], store)
        taken = set(lines)
        with self._lock:
            self._backlog = deque(kept for kept in self._backlog if kept[1] not in taken)
        return len(lines)

    def _drain_segment(self, segment: Segment, store: Store) -> int:
        moved = 0
        for entries, end in segment.batches(BATCH):
            self._deliver(entries, store)
            segment.drained = end
            moved += len(entries)
        return moved

    def _deliver(self, entries: Sequence[UsageEntry], store: Store) -> None:
        if not entries:
            return
        self.refused += deliver(entries, store, aside=self.directory / "refused.jsonl")
        last = entries[-1]
        with self._lock:
            self._pending = max(0, self._pending - len(entries))
            self._oldest_at = (
                last.started_at + timedelta(milliseconds=last.latency_ms or 0) if self._pending > 0 else None
            )

    def _rotate_when_due(self) -> None:
        with self._lock:
            active = self._segments[-1]
            if active.size and time.monotonic() - active.made_s >= self._segment_age_s:
                self._rotate()

    def _drop_finished(self) -> None:
        with self._lock:
            finished = [each for each in self._segments[:-1] if each.drained >= each.size and each.opens == 0]
            self._segments = [each for each in self._segments if each not in finished]
        for segment in finished:
            segment.close(delete=True)

    def _rotate(self) -> Segment:
        segment = self._new_segment()
        self._segments.append(segment)
        return segment

    def _new_segment(self) -> Segment:
        self._number += 1
        return Segment(self.directory / f"{self.name}-{self._number:06d}.jsonl")

    def _work(self, store: Store, interval_s: float) -> None:
        from django.db import close_old_connections, connections

        from llmadmin.usage.recovery import recover

        has_recovered = False
        pause_s = interval_s
        while not self._stopping.wait(pause_s):
            try:
                self.sync()
                close_old_connections()
                if not has_recovered:
                    recover(self.directory, store)
                    has_recovered = True
                self.drain(store)
                pause_s = interval_s
            except Exception as problem:  # noqa: BLE001 - the thread must outlive whatever is away
                pause_s = min(max(pause_s * 2, interval_s), LONGEST_PAUSE_S)
                log.warning(
                    "usage waits in the journal", reason=str(problem)[:200], depth=self.depth, again_in_s=pause_s
                )
        try:
            self.drain(store)
        except Exception as problem:  # noqa: BLE001 - the lines stay on disk for the next start
            log.warning("usage stays in the journal", reason=str(problem)[:200], depth=self.depth)
        connections.close_all()


def hold_lock(path: Path) -> int:
    """Make `path` and hold it exclusively until the descriptor is closed or the process ends.

    Somebody may clean the file away between the two steps, so that the lock would be on a file that nobody sees: then
    again.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)
