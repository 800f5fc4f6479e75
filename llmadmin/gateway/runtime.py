"""What lives as long as the process: the snapshot in force, the router with its health, the journal, the transport.

The publication is polled in a thread, so that a change made by any process is in force here within a second; a change
made in this process is taken up at once. Without the database the last known config goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.db import close_old_connections, connections

from llmadmin.accounts import services as accounts
from llmadmin.config.selectors import current_publication
from llmadmin.config.signals import published
from llmadmin.gateway.errors import not_ready
from llmadmin.gateway.key_loads import SHARE_EVERY_S, KeyLoads, take_in
from llmadmin.gateway.key_notes import KeyNotes
from llmadmin.gateway.key_sources import refresh_sources
from llmadmin.gateway.snapshot import Snapshot, load_snapshot
from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.journal import Journal
from llmadmin.usage.services import store
from providers.addresses import AddressPolicy
from providers.cache import ResponseCache
from providers.health import Circuit, HealthState
from providers.router import PlannedKey, PlannedTarget, Router
from providers.transport import create_transport

log = structlog.get_logger(__name__)

NOTE_EVERY_S = 5.0
MAX_DEFERRED = 10_000
MAX_KEPT_ANSWERS = 20_000
MAX_KEPT_BYTES = 64 * 1024 * 1024


class Runtime:
    """The live path's memory. One for each event loop that serves calls; `Runtime.current()` finds it."""

    _current: ClassVar[Runtime | None] = None

    def __init__(self, *, journal: Journal | None = None) -> None:
        self.router = Router(renew=self._renewed_keys)
        self.cache = ResponseCache(max_entries=MAX_KEPT_ANSWERS, max_bytes=MAX_KEPT_BYTES)
        """Answers of aliases with a `cache_ttl_s`. Each process has its own."""
        self.journal = journal or Journal()
        self.tally: Counter[tuple[str, str, str]] = Counter()
        """Calls since the start by provider, model and status, for /metrics."""
        self.database_error = ""
        """Why the database did not answer the last time it was asked; empty while it does."""
        self.confirmed_at: datetime | None = None
        """When the database last confirmed what is in force."""
        self._snapshot: Snapshot | None = None
        self._changed = asyncio.Event()
        self._wake = asyncio.Event()
        self.key_notes = KeyNotes(on_news=self._wake.set)
        """What calls teach about API keys."""
        self._key_loads = KeyLoads()
        self._loads_shared_at = 0.0
        self._service_keys_used: dict[str, float] = {}
        self._deferred: deque[Callable[[], None]] = deque(maxlen=MAX_DEFERRED)
        self._noted_at = time.monotonic()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-config")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def current(cls) -> Runtime:
        """The running one. Raises a 503 `GatewayError` where none has been started."""
        if cls._current is None:
            raise not_ready()
        return cls._current

    @classmethod
    def is_running(cls) -> bool:
        """Whether this process serves calls."""
        return cls._current is not None

    @property
    def snapshot(self) -> Snapshot:
        """What is in force. Raises a 503 `GatewayError` until the first one is loaded."""
        if self._snapshot is None:
            raise not_ready()
        return self._snapshot

    @property
    def is_ready(self) -> bool:
        return self._snapshot is not None

    # Its life

    async def start(self) -> None:
        """Load what is in force and begin to follow it. A database that is away only means that readiness waits."""
        self._loop = asyncio.get_running_loop()
        self.transport = create_transport(AddressPolicy(allow_private=settings.ALLOW_PRIVATE_ADDRESSES))
        self.journal.start(store)
        published.connect(self._on_published, dispatch_uid=f"gateway-runtime-{id(self)}")
        await self.refresh()
        self._task = asyncio.create_task(self._follow(), name="gateway-config")
        Runtime._current = self

    async def stop(self) -> None:
        """Stop following, bring the journal to the database, and close connections."""
        if Runtime._current is self:
            Runtime._current = None
        published.disconnect(dispatch_uid=f"gateway-runtime-{id(self)}")
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._in_thread(self._note_used)
        await asyncio.to_thread(self.journal.stop, store)
        await self._in_thread(connections.close_all)
        self._executor.shutdown(wait=False)
        await self.transport.aclose()

    async def refresh(self) -> bool:
        """Look whether something changed and take it up. Says whether it did; never raises."""
        try:
            loaded = await self._in_thread(self._load_if_changed)
        except Exception as problem:  # noqa: BLE001 - whatever is wrong, calls go on with what is known
            if not self.database_error:
                log.warning("the config can't be read; the last known one goes on", reason=_short(problem))
            self.database_error = _short(problem)
            return False
        if self.database_error:
            log.info("the config can be read again")
        self.database_error = ""
        self.confirmed_at = datetime.now(UTC)
        if loaded is None:
            return False
        self._take_up_keys(self._snapshot, loaded)
        self._snapshot = loaded
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return True

    async def wait_for_change(self, timeout_s: float) -> bool:
        """Wait until another snapshot is in force, at most `timeout_s`."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    # What calls leave behind

    def note_service_key_used(self, key_id: str | None) -> None:
        if key_id is not None:
            self._service_keys_used[key_id] = time.time()

    def defer(self, write: Callable[[], None]) -> None:
        """Have `write` made in the runtime's thread once the database answers again. The oldest of too many are dropped."""
        self._deferred.append(write)

    def count(self, entry: UsageEntry) -> None:
        self.tally[entry.provider, entry.model, entry.status] += 1

    def health_snapshot(self) -> list[HealthState]:
        """Every provider, key and model that failed lately, for pages."""
        return self.router.health.snapshot()

    # In the thread

    def _load_if_changed(self) -> Snapshot | None:
        close_old_connections()
        try:
            before = self._snapshot
            if before is not None and before.due_s > time.time() and current_publication()[1] == before.revision:
                return None
            return load_snapshot(self.transport, before)
        except Exception:
            connections.close_all()
            raise

    def _write_deferred(self) -> None:
        while self._deferred:
            self._deferred[0]()
            self._deferred.popleft()

    def _note_used(self) -> None:
        self._write_deferred()
        self.key_notes.write_news()
        self.key_notes.write_uses()
        if self._snapshot is not None:
            refresh_sources(self._snapshot.keys_by_id.values())
        used, self._service_keys_used = self._service_keys_used, {}
        if used:
            accounts.note_keys_used({uuid.UUID(one): datetime.fromtimestamp(at, UTC) for one, at in used.items()})

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), settings.CONFIG_POLL_S)
            self._wake.clear()
            await self.refresh()
            if not self.database_error:
                await self._spread_news_of_keys()
            if time.monotonic() - self._noted_at > NOTE_EVERY_S and not self.database_error:
                self._noted_at = time.monotonic()
                try:
                    await self._in_thread(self._note_used)
                except Exception as problem:  # noqa: BLE001 - a missing "last used" must not stop the config
                    log.warning("the last use of keys was not noted", reason=_short(problem))

    async def _renewed_keys(self, target: PlannedTarget) -> Sequence[PlannedKey]:
        """The target's keys as they are by now, for a call whose own were revoked while it was under way."""
        await self.refresh()
        return self.snapshot.keys_for(target.provider, target.provider_name, model=target.model, headers=target.headers)

    async def _spread_news_of_keys(self) -> None:
        """Tell all servers which keys failed or work again, and share the load of those with a limit."""
        try:
            if self.key_notes.has_news:
                await self._in_thread(self.key_notes.write_news)
                await self.refresh()
            loads = self.router.quotas.loads() if self._key_loads.is_shared else {}
            if loads and time.monotonic() - self._loads_shared_at > SHARE_EVERY_S:
                self._loads_shared_at = time.monotonic()
                take_in(self.router.quotas, await self._in_thread(lambda: self._key_loads.exchange(loads)))
        except Exception as problem:  # noqa: BLE001 - calls go on; what could not be written is tried again
            log.warning("news of API keys could not be spread", reason=_short(problem))

    def _take_up_keys(self, before: Snapshot | None, now: Snapshot) -> None:
        """Health of keys as the rows have it: one that was entered anew has no past, one that failed rests until its probe."""
        health = self.router.health
        for key_id, key in now.suspects.items():
            circuit = Circuit("key", key_id)
            if key.state == "failed" and key.probe_at is not None and health.state(circuit) == "closed":
                health.rest(circuit, key.probe_at.timestamp() - time.time(), reason=key.state_reason)
        for key_id, old in before.keys_by_id.items() if before is not None else ():
            new = now.keys_by_id.get(key_id)
            is_anew = new is not None and new.entered_at != old.entered_at
            if is_anew or (new is not None and old.state == "failed" and new.state != "failed"):
                health.reset(Circuit("key", key_id))

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _on_published(self, **_: Any) -> None:
        """Called in whatever thread made the change, after its commit."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)


def _short(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
