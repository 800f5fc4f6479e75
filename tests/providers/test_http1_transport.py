"""Our own HTTP client, against servers that misbehave on the level of bytes. What every transport does: test_transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from providers.addresses import AddressPolicy
from providers.http1_transport import Http1Transport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong"
POLICY = AddressPolicy(allow_private=True)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Hands each connection to `handle`; counts connections and requests."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(handle: Handler, **options: int) -> AsyncIterator[tuple[Server, Http1Transport, str]]:
    server = Server(handle)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    transport = Http1Transport(POLICY, **options)
    yield server, transport, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1/x"
    await transport.aclose()
    listener.close()


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


async def call(
    transport: Http1Transport, url: str, *, method: str = "POST", read_s: float = 5.0, body: bytes = b"{}"
) -> bytes:
    waits = {"connect": 5.0, "read": read_s, "write": 5.0, "pool": 0.2}
    request = httpx.Request(method, url, content=body, extensions={"timeout": waits})
    response = await transport.handle_async_request(request)
    try:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return b"".join([piece async for piece in response.stream])
    finally:
        await response.aclose()


async def test_a_connection_is_used_again():
    async with serving(always(OK)) as (server, transport, url):
        answers = [await call(transport, url) for _ in range(5)]

    assert answers == [b"pong"] * 5
    assert server.connections == 1


async def test_answers_never_get_mixed_up_between_calls_that_share_connections():
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await read_request(reader)
            await asyncio.sleep(int(body) % 3 / 1000)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async with serving(echo, max_connections=5) as (server, transport, url):

        async def ask(number: int) -> bytes:
            body = b"%d" % number
            request = httpx.Request("POST", url, content=body)
            response = await transport.handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)
            return b"".join([piece async for piece in response.stream])

        answers = await asyncio.gather(*(ask(number) for number in range(400)))

    assert answers == [b"%d" % number for number in range(400)]
    assert server.connections <= 5


async def test_no_more_connections_than_allowed_and_waiting_for_one_has_an_end():
    hold = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await hold.wait()
        writer.write(OK)

    async with serving(slow, max_connections=2) as (server, transport, url):
        busy = [asyncio.create_task(call(transport, url)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(httpx.PoolTimeout):
            await call(transport, url)
        hold.set()
        answers = await asyncio.gather(*busy)

    assert answers == [b"pong"] * 2
    assert server.connections == 2


async def test_a_call_that_is_cancelled_gives_its_place_back():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader) == b"answer":
            writer.write(OK)
        await reader.read()

    async with serving(silent, max_connections=1) as (server, transport, url):
        for _ in range(3):
            task = asyncio.create_task(call(transport, url))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        answer = await call(transport, url, body=b"answer")

    assert answer == b"pong"
    assert server.connections == 4


async def test_a_connection_that_its_server_closed_meanwhile_is_not_used(monkeypatch: pytest.MonkeyPatch):
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with serving(once) as (server, transport, url):
        answers = []
        for _ in range(3):
            answers.append(await call(transport, url))
            await asyncio.sleep(0.02)

    assert answers == [b"pong"] * 3
    assert server.connections == 3


@pytest.mark.parametrize(("method", "is_repeated"), [("GET", True), ("POST", False)])
async def test_only_what_may_be_repeated_is_sent_again_when_a_kept_connection_breaks(method: str, is_repeated: bool):
    seen: list[bytes] = []

    async def breaks_the_second_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        seen.append(b"answered")
        writer.write(OK)
        await read_request(reader)
        seen.append(b"dropped")

    async with serving(breaks_the_second_time) as (_, transport, url):
        await call(transport, url, method=method)
        if is_repeated:
            assert await call(transport, url, method=method) == b"pong"
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                await call(transport, url, method=method)

    assert seen == [b"answered", b"dropped", *([b"answered"] if is_repeated else [])]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npongHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npong",
        b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\npong",
    ],
)
async def test_a_connection_with_something_left_over_or_to_be_closed_serves_nobody_else(answer: bytes):
    async with serving(always(answer)) as (server, transport, url):
        answers = [await call(transport, url) for _ in range(2)]

    assert answers == [b"pong"] * 2
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\npo\r\n2\r\nng\r\n0\r\nx-after: 1\r\n\r\n",
    ],
)
async def test_interim_answers_and_trailers_are_passed_over(answer: bytes):
    async with serving(always(answer)) as (server, transport, url):
        request = httpx.Request("POST", url, content=b"{}")
        response = await transport.handle_async_request(request)
        body = await response.aread()
        again = await call(transport, url)

    assert (response.status_code, body, again) == (200, b"pong", b"pong")
    assert not {"link", "x-after"} & set(response.headers)
    assert server.connections == 1


async def test_an_answer_without_a_length_ends_with_its_connection():
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\npo")
        await writer.drain()
        writer.write(b"ng")

    async with serving(handle) as (_, transport, url):
        assert await call(transport, url) == b"pong"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncont",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npong",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 300_000,
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n",
    ],
)
async def test_an_answer_that_is_cut_or_no_http_is_an_error(answer: bytes):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with serving(handle, max_connections=1) as (_, transport, url):
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                await call(transport, url)


async def test_each_wait_for_bytes_is_bounded_and_a_slow_stream_is_not():
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = int(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
        for _ in range(count):
            await asyncio.sleep(0.1)
            writer.write(b".")
        await reader.read()

    async with serving(drip) as (_, transport, url):
        whole = await call(transport, url, body=b"6", read_s=0.4)
        with pytest.raises(httpx.ReadTimeout):
            await call(transport, url, body=b"5", read_s=0.4)

    assert whole == b"......"


async def test_a_reader_who_lags_behind_slows_the_sender_down():
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 64000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x" * 64_000)
            await writer.drain()
            sent += 64_000

    async with serving(flood) as (_, transport, url):
        response = await transport.handle_async_request(httpx.Request("POST", url, content=b"{}"))
        await asyncio.sleep(0.3)
        sent_unread = sent
        size = 0
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for piece in response.stream:
            size += len(piece)

    assert sent_unread < 32_000_000
    assert size == 64_000_000


async def test_a_header_with_a_line_break_is_not_sent():
    async with serving(always(OK)) as (server, transport, url):
        request = httpx.Request("POST", url, headers=[(b"x-a", b"1\r\nx-b: 2")], content=b"{}")
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(request)

    assert server.connections == 0


async def test_idle_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("providers.http1_transport.KEEPALIVE_S", 0.05)
    left = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await reader.read()
        left.set()

    async with serving(handle) as (_, transport, url):
        await call(transport, url)
        await asyncio.wait_for(left.wait(), 5)
