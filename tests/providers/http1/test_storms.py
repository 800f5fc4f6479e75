"""Our own HTTP client when much goes wrong at once: what it answers, and what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random

import httpx
import pytest

from providers.http1_answer import Answer
from providers.http1_connection import Connection
from providers.http1_transport import Http1Transport
from tests.providers.http1.raw_server import (
    ENDLESS,
    OK,
    RawServer,
    always,
    call,
    count_files,
    echo,
    once,
    open_files,
    read_request,
    serving,
    silent,
    start,
    until,
    watching_cpu,
)

STREAM = b"".join(
    (ENDLESS, *(b"%x\r\n%b\r\n" % (len(event), event) for event in (b"data: 1\n\n", b"data: 22\n\n")), b"0\r\n\r\n")
)


async def all_answer(transport: Http1Transport, server: RawServer, count: int) -> bool:
    """Whether so many calls at once, as many as there may be connections, find a free place and their own answer."""
    bodies = [b"%d" % number for number in range(count)]
    return await asyncio.gather(*(call(transport, server.url, body=body, pool=2.0) for body in bodies)) == bodies


# Servers that fail


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_g20_a_stream_cut_at_any_byte_is_never_a_clean_end(is_reset: bool):
    cut = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STREAM[:cut])
        await writer.drain()
        if is_reset:
            writer.transport.abort()

    files = await count_files()
    async with serving(handle, max_connections=1) as (server, transport):
        for length in range(len(STREAM)):
            cut = length
            with pytest.raises(httpx.TransportError):
                await call(transport, server.url)
        cut = len(STREAM)
        whole = b"" if is_reset else await call(transport, server.url)
    await until(lambda: open_files() <= files)

    assert whole == (b"" if is_reset else b"data: 1\n\ndata: 22\n\n")


async def test_an_answer_that_comes_byte_by_byte_is_the_same():
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for at in range(len(STREAM)):
                writer.write(STREAM[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0)

    async with serving(trickle) as (server, transport):
        answers = [await call(transport, server.url) for _ in range(3)]

    assert answers == [b"data: 1\n\ndata: 22\n\n"] * 3
    assert server.connections == 1


@pytest.mark.parametrize("callers", [20, 200])
async def test_answers_never_get_mixed_up_between_callers_that_share_connections(callers: int):
    async with serving(echo, max_connections=20) as (server, transport):

        async def keep_asking(caller: int) -> list[bytes]:
            return [await call(transport, server.url, body=b"%d %d" % (caller, number)) for number in range(10)]

        answers = await asyncio.gather(*(keep_asking(caller) for caller in range(callers)))

    assert answers == [[b"%d %d" % (caller, number) for number in range(10)] for caller in range(callers)]
    assert server.connections <= 20


@pytest.mark.parametrize("callers", [20, 200])
async def test_a_server_that_keeps_closing_kept_connections_costs_no_answer_that_may_be_asked_for_again(callers: int):
    chance = random.Random(7)

    async def fickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            if chance.random() < 0.2:
                return
            if chance.random() < 0.2:  # in the very moment in which the next request comes
                await reader.readexactly(1)
                return

    async with serving(fickle, max_connections=50) as (server, transport):

        async def keep_asking(caller: int) -> list[bytes]:
            bodies = [b"%d %d" % (caller, number) for number in range(10)]
            return [await call(transport, server.url, method="GET", body=body) for body in bodies]

        answers = await asyncio.gather(*(keep_asking(caller) for caller in range(callers)))

    assert answers == [[b"%d %d" % (caller, number) for number in range(10)] for caller in range(callers)]


# Callers that leave


async def test_a_caller_that_leaves_a_stream_closes_its_connection_and_frees_its_place():
    left = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        if await read_request(reader) == b"answer":
            writer.write(OK)
        writer.write(ENDLESS + b"9\r\ndata: 1\n\n\r\n")
        await reader.read()
        left += 1

    async with serving(handle, max_connections=1) as (server, transport):
        for number in range(1, 4):
            response, stream = await start(transport, server.url)
            assert await stream.read() == b"data: 1\n\n"
            await response.aclose()
            await until(lambda number=number: left == number)
            with pytest.raises(httpx.StreamClosed):
                await stream.read()
        answer = await call(transport, server.url, body=b"answer", pool=1.0)

    assert answer == b"pong"


@pytest.mark.parametrize("kind", ["answers", "is silent", "streams", "does not connect"])
async def test_a_caller_cancelled_at_any_step_leaves_nothing_behind(kind: str):
    """Calls are cancelled after one step of the loop, after two, and so on, until they get through to their end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await read_request(reader)
            if body == b"storm" and kind == "is silent":
                await silent(reader, writer)
            elif body == b"storm" and kind == "streams":
                writer.write(STREAM)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    files = await count_files()
    async with serving(handle, max_connections=5) as (server, transport):
        url = server.url.replace("http:", "https:") if kind == "does not connect" else server.url
        for steps in range(40):
            tasks = [asyncio.create_task(call(transport, url, body=b"storm")) for _ in range(20)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(outcome, (bytes, asyncio.CancelledError)), outcome
        can_go_on = await all_answer(transport, server, 5)
        await until(lambda: len(transport._open) <= 5)
    await until(lambda: open_files() <= files)

    assert can_go_on
    assert transport._busy == set()


async def test_a_storm_of_cancelled_callers_leaves_every_place_free():
    chance = random.Random(11)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await read_request(reader)
            for _ in range(chance.randrange(20)):
                await asyncio.sleep(0)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    files = await count_files()
    async with serving(slow, max_connections=10) as (server, transport):

        async def ask(number: int) -> bytes | None:
            task = asyncio.create_task(call(transport, server.url, body=b"%d" % number))
            if chance.random() < 0.5:
                asyncio.get_running_loop().call_later(chance.random() / 20, task.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                return await task
            return None

        answers = await asyncio.gather(*(ask(number) for number in range(2000)))
        can_go_on = await all_answer(transport, server, 10)
    await until(lambda: open_files() <= files)

    assert all(answer in (None, b"%d" % number) for number, answer in enumerate(answers))
    assert {answer is None for answer in answers} == {True, False}
    assert can_go_on


# What it costs to wait


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends as many pieces as the request says, and holds the connection."""
    count = int(await read_request(reader))
    if count:
        writer.write(ENDLESS + b"1\r\n.\r\n" * (count - 1))
    await reader.read()


@pytest.mark.parametrize("pieces", [0, 1, 2], ids=["no head", "a head", "a piece"])
async def test_waiting_for_a_silent_server_takes_no_cpu(pieces: int):
    async with serving(drip) as (server, transport):
        with watching_cpu() as share_of_cpu, pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call(transport, server.url, body=b"%d" % pieces)
        share = share_of_cpu()

    assert share < 0.6


@pytest.mark.parametrize("what", ["nobody reads", "the caller has gone", "the server has gone"])
async def test_a_stream_that_nobody_waits_for_takes_no_cpu(what: str):
    async with serving(once(ENDLESS + b"10000\r\n" + b"x" * 65_536 + b"\r\n") if "server" in what else drip) as (
        server,
        transport,
    ):
        response, stream = await start(transport, server.url, body=b"30000")
        if what == "the caller has gone":
            reading = asyncio.create_task(stream.read())
            reading.cancel()
            await asyncio.wait([reading])
        if what == "the server has gone":
            await until(lambda: server.open_connections == 0)
        with watching_cpu() as share_of_cpu:
            await asyncio.sleep(0.4)
            share = share_of_cpu()
        await response.aclose()

    assert share < 0.6


async def test_g25_many_streams_at_once_leave_nothing_behind():
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(STREAM)

    def alive() -> int:
        gc.collect()
        return sum(type(each) in (Answer, Connection) for each in gc.get_objects())

    files, before = await count_files(), alive()
    async with serving(handle) as (server, transport):
        for _ in range(4):
            answers = await asyncio.gather(*(call(transport, server.url) for _ in range(400)))
            assert set(answers) == {b"data: 1\n\ndata: 22\n\n"}
        kept = alive() - before
    del transport
    await until(lambda: open_files() <= files)

    assert kept <= 400
    assert server.connections <= 400
    await until(lambda: alive() == before)


async def test_g25_a_closed_connection_needs_no_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        async with serving(always(OK)) as (server, transport):
            await call(transport, server.url)
        await until(lambda: not any(type(each) is Connection for each in gc.get_objects()))
    finally:
        gc.enable()


async def test_a_server_that_closes_all_its_connections_at_once_is_forgotten():
    hang_up = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await hang_up.wait()

    async with serving(handle) as (server, transport):
        await asyncio.gather(*(call(transport, server.url) for _ in range(100)))
        assert len(transport._open) == server.connections
        hang_up.set()
        await until(lambda: not transport._open)

        assert not any(transport._idle.values())


async def test_one_slow_server_does_not_hold_up_another():
    async with serving(silent) as (slow, transport), serving(always(OK)) as (quick, _):
        waiting = [asyncio.create_task(call(transport, slow.url)) for _ in range(50)]
        await until(lambda: slow.open_connections == 50)
        answers = await asyncio.gather(*(call(transport, quick.url) for _ in range(50)))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert answers == [b"pong"] * 50
