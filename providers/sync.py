"""Run async code from sync code, with or without a running event loop: one background loop for the process.

All sync calls share that loop, so they share its connections too.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run_sync(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` on the background loop and wait for its result; interrupting the wait cancels it.

    It blocks the calling thread: inside a running event loop prefer to await. Raises what the coroutine raises.
    """
    loop = background_loop()
    if threading.current_thread() is _thread_of(loop):
        coroutine.close()
        raise RuntimeError("A sync call was made from async code on the background loop; await the async form there.")
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate_sync(items: AsyncIterator[Result]) -> Iterator[Result]:
    """Iterate an async iterator from sync code; leaving the loop early closes it."""
    end = object()

    async def step() -> Any:
        return await anext(items, end)

    try:
        while (item := run_sync(step())) is not end:
            yield item
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            run_sync(close())


def background_loop() -> asyncio.AbstractEventLoop:
    """The process's background loop, started when first needed, and again in a forked child."""
    global _loop  # noqa: PLW0603 - one loop for the process is the purpose of this module
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_loop.run_forever, name="providers-sync", daemon=True)
            _threads[id(_loop)] = thread
            thread.start()
        return _loop


_threads: dict[int, threading.Thread] = {}


def _thread_of(loop: asyncio.AbstractEventLoop) -> threading.Thread | None:
    return _threads.get(id(loop))


def stop_background_loop() -> None:
    """Close what the background loop holds open and stop it; the next sync call starts another."""
    global _loop
    with _lock:
        loop, _loop = _loop, None
    if loop is None or loop.is_closed():
        return
    thread = _threads.pop(id(loop))
    with suppress(Exception):
        asyncio.run_coroutine_threadsafe(_close_connections(), loop).result(timeout=5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=5)
    loop.close()


async def _close_connections() -> None:
    from providers.transport import close_transports

    await close_transports()


def _forget_after_fork() -> None:
    global _loop, _lock  # noqa: PLW0603 - the parent's thread does not exist in the child
    _lock = threading.Lock()
    _loop = None
    _threads.clear()


atexit.register(stop_background_loop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
