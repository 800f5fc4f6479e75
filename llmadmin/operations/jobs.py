"""Celery's worker and beat inside the server process, for an installation without Redis."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import structlog
from celery.beat import EmbeddedService, Scheduler

from llmadmin.celery import app

log = structlog.get_logger(__name__)


class EmbeddedJobs:
    """A context in which tasks are worked off and the beat ticks, in two daemon threads of this process."""

    def __enter__(self) -> Self:
        app.loader.import_default_modules()
        self._worker = app.WorkController(
            pool_cls="threads",
            concurrency=2,
            quiet=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._worker_thread = threading.Thread(target=self._work, name="celery-worker", daemon=True)
        self._worker_thread.start()
        self._beat = EmbeddedService(app, thread=True, max_interval=1, scheduler_cls=Scheduler)
        self._beat.start()
        log.info("background jobs run inside this process")
        return self

    def _work(self) -> None:
        app.set_current()
        self._worker.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat.stop()
        self._worker.stop()
        self._worker_thread.join(timeout=5)
