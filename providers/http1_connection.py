"""One HTTP/1.1 connection to a provider. httptools (llhttp, strict) reads the bytes.

A connection carries one exchange at a time. An exchange ends in exactly one way: its answer is complete, or it has an
error. Either is noted on the answer before whoever waits for it is woken, so waiting again never finds nothing to wait
for. Whatever ends an exchange before its answer is complete closes the connection, so that an idle connection has
nothing left over from the call before.
Source: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import NamedTuple, cast

import httptools
import httpx

from providers.http1_answer import Answer

MAX_DRY_BYTES = 256 * 1024
"""What may come in a row without a byte of body: heads, interim answers, trailers."""
PAUSE_BYTES = 64 * 1024
"""What may wait unread of one answer before the peer is asked to pause."""

_Finished = Callable[["Connection"], None]


class Origin(NamedTuple):
    """What a connection leads to."""

    is_tls: bool
    host: str
    port: int


class Waits(NamedTuple):
    """How long one exchange may stand still, in seconds; None is for ever."""

    read_s: float | None
    write_s: float | None


class Connection(asyncio.Protocol):
    """`exchange` sends a request and returns its answer's head; `finished` is called once for each exchange.

    `is_reusable` says then whether another exchange may follow. `finished` is also called when an idle connection is lost.
    """

    __slots__ = (
        "_answer", "_deadline_s", "_dry_bytes", "_finished", "_is_write_paused", "_loop", "_parser", "_poll",
        "_timer", "_timer_at_s", "_transport", "_unwritten_bytes", "_waits", "idle_since_s", "is_paused",
        "is_reusable", "origin",
    )  # fmt: skip

    def __init__(self, origin: Origin, *, finished: _Finished, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self.idle_since_s = 0.0
        self.is_reusable = False
        self._finished = finished
        self._loop = loop
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._answer: Answer | None = None
        self._dry_bytes = 0
        self.is_paused = False
        self._is_write_paused = False
        self._unwritten_bytes = 0
        self._waits = Waits(None, None)
        self._deadline_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = 0.0

    # For the pool

    async def exchange(self, request: httpx.Request, data: bytes, waits: Waits) -> httpx.Response:
        """Send `data` and return once the head of the answer is there. Raises httpx's transport errors."""
        answer = self._answer = Answer(self, request)
        self._waits, self._dry_bytes, self.is_reusable = waits, 0, False
        try:
            if self._transport is None or self._transport.is_closing():
                self._fail(httpx.ReadError("the server closed the connection at once", request=request))
            else:
                self._transport.write(data)
            while not answer.has_head and answer.error is None:
                await self.wait(answer)
        except BaseException:
            self.leave(answer)
            raise
        if answer.error is not None:
            raise answer.error
        return httpx.Response(answer.status, headers=answer.headers, stream=answer)

    @property
    def is_closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def has_been_left(self) -> bool:
        """Whether the peer has closed this idle connection, or says something unasked, and the loop has not seen it yet."""
        if self._transport is None or self._transport.is_closing():
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

    # For the answer

    def wait(self, answer: Answer) -> asyncio.Future[None]:
        """Done when something new is known of `answer`, which is not over: its end would have woken whoever waits."""
        waiter = answer.waiter = self._loop.create_future()
        wait_s = self._waits.write_s if self._is_write_paused else self._waits.read_s
        if wait_s is not None:
            self._deadline_s = self._loop.time() + wait_s
            if self._timer is None or self._timer_at_s > self._deadline_s:
                self._arm()
        return waiter

    def resume(self, answer: Answer) -> None:
        if self._answer is answer and self._transport is not None:
            self.is_paused = False
            self._transport.resume_reading()

    def leave(self, answer: Answer) -> None:
        """Whoever reads `answer` wants no more of it."""
        if self._answer is answer:
            self._fail(httpx.StreamClosed())

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so a check at run time would refuse them.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or self._parser is None:  # nobody asked
            self.close()
            return
        size = answer.size
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.is_reusable = False  # what stands behind a complete answer belongs to nobody
            if not answer.is_complete:
                self._fail(
                    httpx.RemoteProtocolError(f"the server's answer is no HTTP: {error}", request=answer.request)
                )
                return
        if answer.is_complete:
            self._end()
        elif answer.size == size:
            self._dry_bytes += len(data)
            if self._dry_bytes > MAX_DRY_BYTES:
                self._fail(
                    httpx.RemoteProtocolError("the head of the server's answer is too long", request=answer.request)
                )
                return
        else:
            self._dry_bytes = 0
            if answer.size > PAUSE_BYTES and not self.is_paused and self._transport is not None:
                self.is_paused = True
                self._transport.pause_reading()
        answer.wake()

    def pause_writing(self) -> None:
        self._is_write_paused = True
        self._unwritten_bytes = self._transport.get_write_buffer_size() if self._transport else 0

    def resume_writing(self) -> None:
        self._is_write_paused = False
        if self._answer is not None:
            self._answer.wake()  # from now on it is the answer that is waited for, with its own patience

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        answer = self._answer
        self.is_reusable = False
        if answer is None:
            self._finished(self)
        elif error is None and answer.has_head and answer.ends_with_connection():
            answer.is_complete = True
            self._end()
            answer.wake()
        else:
            said = str(error) if error else "the server closed the connection before its answer was complete"
            kind = httpx.ReadError if error else httpx.RemoteProtocolError
            self._fail(kind(said, request=answer.request))
        self.close()
        self._parser = None  # the two hold each other

    # The parser's callbacks

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.is_complete:
            raise ValueError("something stands behind the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._answer is not None and not self._answer.has_head:
            self._answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        answer, parser = self._answer, self._parser
        if answer is None or parser is None:
            return
        answer.status = parser.get_status_code()
        if answer.status >= 200:
            answer.has_head = True
            answer.is_complete = answer.request.method == "HEAD"

    def on_body(self, piece: bytes) -> None:
        answer = self._answer
        if answer is not None and not answer.is_complete:
            answer.pieces.append(piece)
            answer.size += len(piece)

    def on_message_complete(self) -> None:
        answer, parser = self._answer, self._parser
        if answer is None or parser is None or answer.is_complete:
            return
        if answer.has_head:
            answer.is_complete = True
            self.is_reusable = parser.should_keep_alive()
        else:
            answer.headers = []  # an interim answer (100, 103); the real one follows

    # How an exchange ends

    def _end(self) -> None:
        """The answer is complete, or has its error. The pool hears of it once."""
        self._answer = None
        if self.is_paused and self._transport is not None:
            self.is_paused = False
            self._transport.resume_reading()
        # A server that answers before it has read the whole request would take the rest of it for the next one.
        self.is_reusable = self.is_reusable and not self.is_closed and not self._has_unwritten()
        self._finished(self)

    def _has_unwritten(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def _fail(self, error: httpx.RequestError | httpx.StreamError) -> None:
        answer = self._answer
        if answer is not None:
            answer.error = error
            self.is_reusable = False
            self._end()
            answer.wake()
        self.close()

    # The clock: one timer serves many waits, since it only moves on when the deadline has moved since it was set

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_s = self._deadline_s
        self._timer = self._loop.call_at(self._deadline_s, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        answer = self._answer
        if answer is None or answer.waiter is None or answer.waiter.done():
            return
        if self._is_write_paused and self._transport is not None and self._waits.write_s is not None:
            left = self._transport.get_write_buffer_size()
            if left < self._unwritten_bytes:  # the peer takes it in, if slowly
                self._unwritten_bytes = left
                self._deadline_s = self._loop.time() + self._waits.write_s
        if self._loop.time() < self._deadline_s:
            self._arm()
        elif self._is_write_paused:
            self._fail(
                httpx.WriteTimeout(f"the server took nothing in for {self._waits.write_s:g} s", request=answer.request)
            )
        else:
            self._fail(httpx.ReadTimeout(f"no bytes for {self._waits.read_s:g} s", request=answer.request))
