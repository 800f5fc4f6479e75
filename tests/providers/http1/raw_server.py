"""A server on loopback that misbehaves on the level of bytes, and our own client that calls it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from providers.addresses import AddressPolicy
from providers.http1_transport import Http1Transport
from providers.transport import PieceStream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong"
ENDLESS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Hands each connection to `handle` and closes it after."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self.url = ""
        self.connections = 0
        self.open_connections = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        try:
            await self._handle(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.open_connections -= 1
            self.tasks.discard(task)
            writer.close()


@asynccontextmanager
async def serving(handle: Handler, **options: int) -> AsyncIterator[tuple[RawServer, Http1Transport]]:
    server = RawServer(handle)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=2000)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1/x"
    transport = Http1Transport(AddressPolicy(allow_private=True), **options)
    try:
        yield server, transport
    finally:
        await transport.aclose()
        listener.close()
        for task in list(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")), 0)
    return await reader.readexactly(length)


def always(*answers: bytes) -> Handler:
    """Answers each request of a connection with the next of `answers`, the last one for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(answers)
        while True:
            await read_request(reader)
            writer.write(left.pop(0) if len(left) > 1 else left[0])

    return handle


def once(answer: bytes) -> Handler:
    """Answers the first request of a connection, and closes it."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    return handle


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes requests in and never answers."""
    while await reader.read(65_536):
        pass


async def start(
    transport: Http1Transport,
    url: str,
    *,
    method: str = "POST",
    body: bytes = b"{}",
    headers: list[tuple[bytes, bytes]] | None = None,
    **waits: float,
) -> tuple[httpx.Response, PieceStream]:
    """The answer's head, and its body to be read."""
    waits = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0, **waits}
    request = httpx.Request(method, url, content=body, headers=headers, extensions={"timeout": waits})
    response = await transport.handle_async_request(request)
    assert isinstance(response.stream, PieceStream)
    return response, response.stream


async def call(
    transport: Http1Transport, url: str, *, method: str = "POST", body: bytes = b"{}", **waits: float
) -> bytes:
    response, stream = await start(transport, url, method=method, body=body, **waits)
    try:
        return b"".join([piece async for piece in stream])
    finally:
        await response.aclose()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another part of the process does."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await asyncio.sleep(0.001)


@contextmanager
def watching_cpu() -> Iterator[Callable[[], float]]:
    """The share of the time in which this thread runs or wants to: a loop that spins has all of it, on a busy machine too."""

    def wanted_s() -> float:
        ran, waited, _ = Path("/proc/thread-self/schedstat").read_text().split()
        return (int(ran) + int(waited)) / 1e9

    began, wanted = time.monotonic(), wanted_s()
    yield lambda: (wanted_s() - wanted) / (time.monotonic() - began)


async def count_files() -> int:
    """The files this process has open, once the loop has opened those that it keeps for itself."""
    async with serving(always(OK)) as (server, transport):
        await call(transport, server.url)
    await until(lambda: server.open_connections == 0)
    await asyncio.sleep(0.01)
    return open_files()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
