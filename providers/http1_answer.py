"""What comes back for one request over HTTP/1.1: filled by the connection, read by whoever asked."""

from __future__ import annotations

import asyncio
from typing import Protocol

import httpx

from providers.transport import PieceStream


class Carrier(Protocol):
    """The connection, as an answer sees it."""

    is_paused: bool

    def wait(self, answer: Answer) -> asyncio.Future[None]: ...

    def resume(self, answer: Answer) -> None: ...

    def leave(self, answer: Answer) -> None: ...


class Answer(PieceStream):
    """What comes back for one request. It outlives its exchange, since bytes may wait here to be read.

    Closing it early closes the connection, so the vendor stops at once.
    """

    __slots__ = (
        "_carrier",
        "error",
        "has_head",
        "headers",
        "is_complete",
        "pieces",
        "request",
        "size",
        "status",
        "waiter",
    )

    def __init__(self, carrier: Carrier, request: httpx.Request) -> None:
        self._carrier = carrier
        self.request = request
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = False
        self.pieces: list[bytes] = []
        self.size = 0
        """Bytes in `pieces`."""
        self.is_complete = False
        self.error: httpx.RequestError | httpx.StreamError | None = None
        self.waiter: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        while not self.pieces:
            if self.error is not None:
                raise self.error
            if self.is_complete:
                return b""
            await self._carrier.wait(self)
        taken, self.pieces, self.size = self.pieces, [], 0
        if self._carrier.is_paused:
            self._carrier.resume(self)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    async def aclose(self) -> None:
        self._carrier.leave(self)

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def ends_with_connection(self) -> bool:
        """Whether the answer has no length of its own, so that the connection's end is its end too."""
        names = {name.lower() for name, _ in self.headers}
        return not names & {b"content-length", b"transfer-encoding"}
