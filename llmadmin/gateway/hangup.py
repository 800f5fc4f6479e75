"""A caller who hangs up takes the upstream call with them: paying for an answer that nobody reads helps no one.

ASGI tells of a hang-up only to who is listening, and listening costs a task. So it begins a moment after the call: most
calls that are over by then never pay for it.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from llmadmin.core.exchange import Receive

LISTEN_AFTER_S = 0.1


class HangUp:
    """While its `async with` block lasts, a caller who hangs up cancels the block, which then ends quietly.

    `has_happened` says afterwards whether that was so.
    """

    def __init__(self, receive: Receive) -> None:
        self.has_happened = False
        self._receive = receive
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HangUp:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timer = loop.call_later(LISTEN_AFTER_S, self._begin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        if kind is asyncio.CancelledError and self.has_happened and self._task is not None:
            return self._task.uncancel() == 0
        return False

    def _begin(self) -> None:
        self._listener = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_happened = True
        if self._task is not None:
            self._task.cancel()
