"""What is in force at this very moment, for pages: they follow a save at once, while calls may take a second to."""

from __future__ import annotations

import time

import httpx

from llmadmin.config.selectors import current_publication
from llmadmin.gateway.runtime import Runtime
from llmadmin.gateway.snapshot import Snapshot, load_snapshot


def newest_snapshot() -> Snapshot:
    """The running snapshot where it is the newest, else one read from the database now. Nothing is called over the latter."""
    running = Runtime.current() if Runtime.is_running() else None
    known = running.snapshot if running is not None and running.is_ready else None
    if known is not None and known.due_s > time.time() and current_publication()[1] == known.revision:
        return known
    return load_snapshot(httpx.AsyncBaseTransport(), known)
