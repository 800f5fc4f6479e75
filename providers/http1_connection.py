"""One HTTP/1.1 connection to a provider, and the body of the answer that it is reading. Parsed by httptools.

A connection carries one exchange at a time. Whatever ends an exchange before its answer is complete closes the
connection, so a connection that is idle has nothing left over from the call before.
Source: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, cast

import httptools
import httpx

MAX_HEAD_BYTES = 256 * 1024
PAUSE_BYTES = 256 * 1024
"""What may wait unread of one answer before the peer is asked to pause."""

_Finished = Callable[["Connection"], None]


class Origin(NamedTuple):
    """What a connection leads to."""

    is_tls: bool
    host: str
    port: int


class Body(httpx.AsyncByteStream):
    """An answer as it arrives. Closing it early closes the connection, so the vendor stops at once.

    It holds everything of its exchange, since its connection may serve the next one before the last bytes are read here.
    """

    __slots__ = (
        "connection",
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

    def __init__(self, connection: Connection, request: httpx.Request) -> None:
        self.connection = connection
        self.request = request
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = False
        self.waiter: asyncio.Future[None] | None = None
        self.pieces: list[bytes] = []
        self.size = 0
        self.is_complete = False
        self.error: httpx.RequestError | httpx.StreamError | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            if self.pieces:
                taken, self.pieces = self.pieces, []
                self.size = 0
                self.connection.resume(self)
                yield taken[0] if len(taken) == 1 else b"".join(taken)
            elif self.error is not None:
                raise self.error
            elif self.is_complete:
                return
            else:
                await self.connection.wait(self)

    async def aclose(self) -> None:
        self.connection.leave(self)

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def reads_until_closed(self) -> bool:
        """Whether the answer has no length of its own, so that its end is the connection's end."""
        names = {name.lower() for name, _ in self.headers}
        return not names & {b"content-length", b"transfer-encoding"}


class Connection(asyncio.Protocol):
    """`exchange` sends a request and returns its answer's head; `finished` is called once for each exchange.

    `is_reusable` says then whether another exchange may follow. `is_untouched` is true until a byte of the answer came.
    """

    __slots__ = (
        "_body", "_deadline_s", "_finished", "_head_bytes", "_is_paused", "_loop", "_parser", "_poll", "_read_s", "_timer",
        "_transport", "idle_since_s", "is_reusable", "is_untouched", "origin",
    )  # fmt: skip

    def __init__(self, origin: Origin, *, finished: _Finished, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self.idle_since_s = 0.0
        self.is_reusable = False
        self.is_untouched = True
        self._finished = finished
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._body: Body | None = None
        self._head_bytes = 0
        self._is_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._read_s: float | None = None
        self._deadline_s = 0.0

    # For the pool

    async def exchange(self, request: httpx.Request, data: bytes, *, read_s: float | None) -> httpx.Response:
        """Send `data` and return once the head of the answer is there. Raises httpx's transport errors.

        `read_s` bounds each wait for bytes, now and while the body is read.
        """
        body = self._body = Body(self, request)
        self._read_s, self._head_bytes = read_s, 0
        self.is_untouched, self.is_reusable = True, False
        if self._transport is None:
            self._fail(httpx.RemoteProtocolError("the server closed the connection at once", request=request))
        else:
            self._transport.write(data)
        try:
            while not body.has_head and body.error is None:
                await self.wait(body)
        except BaseException:
            self.leave(body)
            raise
        if body.error is not None:
            raise body.error
        return httpx.Response(body.status, headers=body.headers, stream=body)

    @property
    def is_closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def has_been_left(self) -> bool:
        """Whether the peer has closed this idle connection, or says something unasked, and the loop has not seen it yet."""
        if self._transport is None:
            return True
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self._poll.poll(0))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # For the body

    async def wait(self, body: Body) -> None:
        """Until something new is known of `body`. Raises `httpx.ReadTimeout`, and closes the connection with it."""
        if self._body is not body:
            return
        waiter = body.waiter = self._loop.create_future()
        if self._read_s is not None:
            self._deadline_s = self._loop.time() + self._read_s
            if self._timer is None or self._timer.when() > self._deadline_s:
                self._arm(self._deadline_s)
        try:
            await waiter
        finally:
            body.waiter = None

    def resume(self, body: Body) -> None:
        if self._is_paused and self._body is body and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def leave(self, body: Body) -> None:
        """Whoever reads `body` wants no more of it."""
        if self._body is body:
            self._fail(httpx.StreamClosed())
            self.close()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so a check at run time would refuse them.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        body = self._body
        if body is None:
            self.close()
            return
        self.is_untouched = False
        if not body.has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not body.is_complete:
                self._break(f"the server's answer is no HTTP: {error}")
                return
            self.is_reusable = False  # bytes beyond the answer belong to nobody
        if body.is_complete:
            self._end()
        elif not body.has_head and self._head_bytes > MAX_HEAD_BYTES:
            self._break("the head of the server's answer is too long")
            return
        elif body.size > PAUSE_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        body.wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        body = self._body
        if body is None:
            self.is_reusable = False
            self._finished(self)
        elif error is None and body.has_head and body.reads_until_closed():
            body.is_complete = True
            self._end()
            body.wake()
        else:
            said = str(error) if error else "the server closed the connection before its answer was complete"
            self._fail((httpx.ReadError if error else httpx.RemoteProtocolError)(said, request=body.request))
        self.close()

    # The parser's callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body is not None and not self._body.has_head:
            self._body.headers.append((name, value))

    def on_headers_complete(self) -> None:
        body = self._body
        status = self._parser.get_status_code()
        if body is not None and status >= 200:
            body.status, body.has_head = status, True
            body.is_complete = body.request.method == "HEAD"

    def on_body(self, piece: bytes) -> None:
        if self._body is not None:
            self._body.pieces.append(piece)
            self._body.size += len(piece)

    def on_message_complete(self) -> None:
        body = self._body
        if body is None or body.is_complete:
            return
        if body.has_head:
            body.is_complete = True
            self.is_reusable = self._parser.should_keep_alive()
        else:
            body.headers = []  # an interim answer (100, 103); the real one follows

    def on_message_begin(self) -> None:
        if self._body is not None and self._body.is_complete:
            raise ValueError("there is something behind the answer")

    # How an exchange ends

    def _end(self) -> None:
        self._body = None
        self.is_reusable = self.is_reusable and not self.is_closed and not self._is_paused
        self._finished(self)

    def _break(self, why: str) -> None:
        self._fail(httpx.RemoteProtocolError(why))
        self.close()

    def _fail(self, error: httpx.RequestError | httpx.StreamError) -> None:
        body = self._body
        if body is not None:
            body.error = error
            self.is_reusable = False
            self._end()
            body.wake()

    def _arm(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at_s, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        """One timer serves many waits: it only moves on when the deadline has moved since it was set."""
        self._timer = None
        body = self._body
        if body is None or body.waiter is None or self._read_s is None:
            return
        if self._loop.time() < self._deadline_s:
            self._arm(self._deadline_s)
            return
        self._fail(httpx.ReadTimeout(f"no bytes for {self._read_s:g} s", request=body.request))
        self.close()
