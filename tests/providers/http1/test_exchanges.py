"""Single exchanges of our own HTTP client, with servers that misbehave on the level of bytes.

What every transport does: `test_transport.py`.
"""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest

from providers.addresses import AddressPolicy
from providers.http1_transport import Http1Transport
from tests.providers.http1.raw_server import (
    ENDLESS,
    OK,
    always,
    call,
    echo,
    once,
    read_request,
    serving,
    silent,
    start,
    until,
)

# Connections


async def test_a_connection_is_used_again():
    async with serving(always(OK)) as (server, transport):
        answers = [await call(transport, server.url) for _ in range(5)]

    assert answers == [b"pong"] * 5
    assert server.connections == 1


async def test_no_more_connections_than_allowed_and_waiting_for_one_has_an_end():
    hold = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await hold.wait()
        writer.write(OK)

    async with serving(slow, max_connections=2) as (server, transport):
        busy = [asyncio.create_task(call(transport, server.url)) for _ in range(2)]
        await until(lambda: server.open_connections == 2)
        with pytest.raises(httpx.PoolTimeout):
            await call(transport, server.url, pool=0.05)
        hold.set()
        answers = await asyncio.gather(*busy)

    assert answers == [b"pong"] * 2
    assert server.connections == 2


async def test_an_idle_connection_makes_room_for_one_to_another_host():
    async with serving(always(OK), max_connections=1) as (first, transport), serving(always(OK)) as (second, _):
        answers = [await call(transport, server.url) for server in (first, second, first)]
        await until(lambda: first.open_connections + second.open_connections == 1)

    assert answers == [b"pong"] * 3


async def test_a_connection_that_its_server_closed_meanwhile_is_not_used():
    async with serving(once(OK)) as (server, transport):
        answers = []
        for _ in range(3):
            answers.append(await call(transport, server.url))
            await until(lambda: server.open_connections == 0)

    assert answers == [b"pong"] * 3
    assert server.connections == 3


async def test_a_connection_whose_end_the_loop_has_not_seen_yet_is_not_used():
    """The end lies in the socket, and no callback ran since that could have read it."""
    has_closed = threading.Event()
    connections = 0

    def serve(listener: socket.socket) -> None:
        nonlocal connections
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            connections += 1
            with peer:
                peer.recv(65_536)
                peer.sendall(OK)
                may_close.wait(10)
            has_closed.set()

    may_close = threading.Event()
    transport = Http1Transport(AddressPolicy(allow_private=True))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        answers = [await call(transport, url)]
        may_close.set()
        has_closed.wait(10)
        answers.append(await call(transport, url))
        await transport.aclose()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)

    assert answers == [b"pong", b"pong"]
    assert connections == 2


@pytest.mark.parametrize(("method", "is_repeated"), [("GET", True), ("POST", False)])
async def test_only_what_may_be_repeated_is_sent_again_when_a_kept_connection_breaks(method: str, is_repeated: bool):
    seen: list[str] = []

    async def breaks_the_second_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        seen.append("answered")
        writer.write(OK)
        await read_request(reader)
        seen.append("dropped")

    async with serving(breaks_the_second_time) as (server, transport):
        await call(transport, server.url, method=method)
        if is_repeated:
            assert await call(transport, server.url, method=method) == b"pong"
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                await call(transport, server.url, method=method)

    assert seen == ["answered", "dropped", *(["answered"] if is_repeated else [])]


async def test_idle_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("providers.http1_transport.KEEPALIVE_S", 0.05)

    async with serving(always(OK)) as (server, transport):
        await call(transport, server.url)
        await until(lambda: server.open_connections == 0)


async def test_a_closed_transport_opens_no_more_connections():
    async with serving(always(OK)) as (server, transport):
        await transport.aclose()
        with pytest.raises(httpx.ConnectError):
            await call(transport, server.url)

    assert server.connections == 0


# Answers


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npongHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong\r\n\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npong",
        b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\npong",
    ],
    ids=["another answer", "something else", "said to close", "an older version"],
)
async def test_a_connection_with_something_left_over_or_to_be_closed_serves_nobody_else(answer: bytes):
    async with serving(always(answer)) as (server, transport):
        answers = [await call(transport, server.url) for _ in range(2)]

    assert answers == [b"pong"] * 2
    assert server.connections == 2


async def test_what_a_server_says_unasked_is_no_answer_to_the_next_call():
    speak = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await speak.wait()
        writer.write(OK.replace(b"pong", b"evil"))
        await reader.read()

    async with serving(handle) as (server, transport):
        await call(transport, server.url)
        speak.set()
        await until(lambda: server.open_connections == 0)
        answer = await call(transport, server.url)

    assert answer == b"pong"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\npo\r\n2;a=b\r\nng\r\n0\r\nx-after: 1\r\n\r\n",
    ],
    ids=["early hints", "continue", "trailers"],
)
async def test_interim_answers_and_trailers_are_passed_over(answer: bytes):
    async with serving(always(answer)) as (server, transport):
        response, stream = await start(transport, server.url)
        body = b"".join([piece async for piece in stream])
        again = await call(transport, server.url)

    assert (response.status_code, body, again) == (200, b"pong", b"pong")
    assert not {"link", "x-after"} & set(response.headers)
    assert server.connections == 1


async def test_an_answer_without_a_length_ends_with_its_connection():
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\npo")
        await writer.drain()
        writer.write(b"ng")

    async with serving(handle) as (server, transport):
        assert await call(transport, server.url) == b"pong"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_complete_with_its_head(status: int):
    async with serving(always(b"HTTP/1.1 %d X\r\n\r\n" % status)) as (server, transport):
        assert [await call(transport, server.url) for _ in range(2)] == [b"", b""]

    assert server.connections == 1


async def test_the_answer_to_head_is_complete_with_its_head():
    async with serving(always(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n")) as (server, transport):
        assert await call(transport, server.url, method="HEAD", body=b"") == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncont",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npong",
        ENDLESS + b"4\r\npong\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\npong",
        b"HTTP/1.1 200 OK\r\ncontent-length: +4\r\n\r\npong",
        b"HTTP/1.1 200 OK\r\ncontent-length : 4\r\n\r\npong",
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\n folded\r\ncontent-length: 4\r\n\r\npong",
        b"HTTP/1.1 200 OK\ncontent-length: 4\n\npong",
        ENDLESS + b"-4\r\npong\r\n0\r\n\r\n",
        ENDLESS + b"fffffffffffffffff\r\npong\r\n0\r\n\r\n",
        ENDLESS + b"4\npong\n0\n\n",
    ],
    ids=[
        "nothing", "half a head", "half a body", "no last chunk", "another protocol", "an upgrade", "two kinds of length",
        "two lengths", "a signed length", "a space before the colon", "a folded header", "bare line feeds", "a negative chunk",
        "a chunk beyond all numbers", "chunks with bare line feeds",
    ],
)  # fmt: skip
async def test_an_answer_that_is_cut_or_no_http_is_an_error(answer: bytes):
    async with serving(once(answer), max_connections=1) as (server, transport):
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                await call(transport, server.url, read=30.0)

    assert server.connections == 2


@pytest.mark.parametrize(
    ("start_with", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x-a: " + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"x" * 1000),
        (b"", b"HTTP/1.1 103 Early Hints\r\nx-a: " + b"x" * 1000 + b"\r\n\r\n"),
        (ENDLESS + b"4\r\npong\r\n0\r\n", b"x-a: " + b"x" * 1000 + b"\r\n"),
        (ENDLESS + b"4\r\npong\r\n0\r\nx-long: ", b"x" * 1000),
    ],
    ids=["headers", "a header", "interim answers", "trailers", "a trailer"],
)
async def test_a_head_that_never_ends_is_given_up(start_with: bytes, more: bytes):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(start_with)
        while True:
            writer.write(more)
            await writer.drain()

    async with serving(handle) as (server, transport):
        with pytest.raises(httpx.RemoteProtocolError, match="too long"):
            await call(transport, server.url, read=30.0)


async def test_a_long_stream_of_small_chunks_is_no_endless_head():
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(ENDLESS)
        for _ in range(1000):
            for part in (b"1;" + b"x" * 400 + b"\r\n", b".\r\n"):
                writer.write(part)
                for _ in range(3):  # so that each part is read by itself
                    await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    async with serving(handle) as (server, transport):
        assert await call(transport, server.url) == b"." * 1000


# Waits


async def test_each_wait_for_bytes_is_bounded_and_a_slow_stream_is_not():
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = int(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
        for _ in range(count):
            await asyncio.sleep(0.1)
            writer.write(b".")
        await reader.read()

    async with serving(drip) as (server, transport):
        whole = await call(transport, server.url, body=b"6", read=0.4)
        with pytest.raises(httpx.ReadTimeout):
            await call(transport, server.url, body=b"5", read=0.4)

    assert whole == b"......"


async def test_a_shorter_patience_counts_on_a_connection_that_was_used_with_a_longer_one():
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await reader.read()

    async with serving(handle) as (server, transport):
        await call(transport, server.url, read=30.0)
        async with asyncio.timeout(10):
            with pytest.raises(httpx.ReadTimeout):
                await call(transport, server.url, read=0.1)

    assert server.connections == 1


async def test_a_server_that_takes_nothing_in_is_given_up():
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serving(deaf) as (server, transport):
        with pytest.raises(httpx.WriteTimeout):
            async with asyncio.timeout(10):
                await call(transport, server.url, body=b"x" * 30_000_000, write=0.2, read=30.0)


async def test_a_server_that_takes_a_long_request_in_slowly_is_waited_for():
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        while left:
            left -= len(await reader.read(1_000_000))
            await asyncio.sleep(0.02)
        writer.write(OK)
        await reader.read()

    async with serving(slow) as (server, transport):
        assert await call(transport, server.url, body=b"x" * 12_000_000, write=0.4) == b"pong"


async def test_an_answer_that_comes_before_the_request_was_read_is_heard_and_the_connection_given_up():
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 4\r\n\r\npong")
        await reader.read()

    async with serving(hasty) as (server, transport):
        response, stream = await start(transport, server.url, body=b"x" * 30_000_000)
        body = await stream.read()
        await until(lambda: server.open_connections == 0)

    assert (response.status_code, body) == (413, b"pong")


async def test_a_connection_that_does_not_come_about_times_out():
    async with serving(silent) as (server, transport):
        with pytest.raises(httpx.ConnectTimeout):
            async with asyncio.timeout(10):  # nobody there speaks TLS, so the handshake never ends
                await call(transport, server.url.replace("http:", "https:"), connect=0.1)


async def test_a_reader_who_lags_behind_slows_the_sender_down():
    sent = 0
    is_stuck = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 64000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x" * 64_000)
            try:
                async with asyncio.timeout(0.3):
                    await writer.drain()
            except TimeoutError:
                is_stuck.set()
                await writer.drain()
            sent += 64_000

    async with serving(flood) as (server, transport):
        _, stream = await start(transport, server.url)
        await asyncio.wait_for(is_stuck.wait(), 10)
        sent_unread = sent
        size = 0
        while piece := await stream.read():
            size += len(piece)

    assert sent_unread < 32_000_000
    assert size == 64_000_000


# Requests


@pytest.mark.parametrize(
    "header",
    [(b"x-a", b"1\r\nx-b: 2"), (b"x-a", b"1\nx-b: 2"), (b"x-a\r\nx-b", b"2"), (b"x-a", b"1\x00")],
    ids=["a line", "a line feed", "a line in its name", "a null"],
)
async def test_a_header_that_could_become_two_is_not_sent(header: tuple[bytes, bytes]):
    async with serving(echo) as (server, transport):
        with pytest.raises(httpx.LocalProtocolError):
            await start(transport, server.url, headers=[header])

    assert server.connections == 0


@pytest.mark.parametrize("method", ["GET /x HTTP/1.1\r\nhost: other\r\n\r\nGET", "G T", ""])
async def test_a_method_that_is_no_word_is_not_sent(method: str):
    async with serving(echo) as (server, transport):
        with pytest.raises(httpx.LocalProtocolError):
            await start(transport, server.url, method=method)

    assert server.connections == 0


async def test_the_length_of_a_request_is_ours_to_say():
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        seen.append(await reader.readexactly(2))
        writer.write(OK)
        await reader.read()

    async with serving(note) as (server, transport):
        wrong = [(b"Content-Length", b"99"), (b"Transfer-Encoding", b"chunked"), (b"Connection", b"close")]
        response, _ = await start(transport, server.url, headers=[(b"Host", b"name.example"), *wrong], body=b"{}")

    head = seen[0].lower()
    assert response.status_code == 200
    assert head.count(b"content-length: 2\r\n") == head.count(b"content-length") == 1
    assert head.count(b"host: name.example\r\n") == head.count(b"host") == 1
    assert b"transfer-encoding" not in head
    assert b"connection" not in head
    assert seen[1] == b"{}"
