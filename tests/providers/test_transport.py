"""All transports against a real server: what they carry, what they refuse, and how they fail."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from typing import Any

import httpx
import pytest

from providers import (
    AddressPolicy,
    ChatRequest,
    LLMProviderConnectionError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    create_provider,
)
from providers.aiohttp_transport import AiohttpTransport
from providers.http1_transport import Http1Transport
from providers.httpx_transport import PinnedTransport
from providers.transport import close_transports, lease_transport, release_transport
from tests.providers.upstream import Upstream

REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
PONG = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}
OPEN, CLOSED = AddressPolicy(allow_private=True), AddressPolicy(allow_private=False)


@pytest.fixture(params=[Http1Transport, AiohttpTransport, PinnedTransport])
def transport_class(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def transport(transport_class: Any):
    made = transport_class(OPEN)
    yield made
    await made.aclose()


def local(base_url: str, transport: httpx.AsyncBaseTransport | None, **options: Any):
    return create_provider("local", base_url=base_url, transport=transport, max_retries=0, **options)


def chunk(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


async def test_a_call_goes_through(transport, upstream: Upstream):
    upstream.answer(200, PONG)

    response = await local(upstream.base_url, transport).chat_completion(REQUEST)

    assert response.text == "pong"
    assert upstream.seen[0].headers["host"] == upstream.origin.removeprefix("http://")


async def test_a_name_that_resolves_is_called_by_its_name(transport, upstream: Upstream):
    upstream.answer(200, PONG)
    base_url = upstream.base_url.replace("127.0.0.1", "localhost")

    await local(base_url, transport).chat_completion(REQUEST)

    assert upstream.seen[0].headers["host"].startswith("localhost:")


async def test_a_name_with_several_addresses_is_tried_at_each(transport, upstream: Upstream, monkeypatch):
    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        # The server listens at the second one only.
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    upstream.answer(200, PONG)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    response = await local(upstream.base_url.replace("127.0.0.1", "two.example"), transport).chat_completion(REQUEST)

    assert response.text == "pong"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
async def test_a_private_address_is_refused_before_any_connection(transport_class, upstream: Upstream, host: str):
    guarded = transport_class(CLOSED)

    with pytest.raises(LLMProviderConnectionError) as caught:
        await local(upstream.base_url.replace("127.0.0.1", host), guarded).chat_completion(REQUEST)

    await guarded.aclose()
    assert (caught.value.code, caught.value.retryable) == ("address_refused", False)
    assert "private" in caught.value.message
    assert upstream.seen == []


async def test_a_metadata_address_is_refused_even_where_private_ones_are_allowed(transport):
    with pytest.raises(LLMProviderConnectionError) as caught:
        await local("http://169.254.169.254/v1", transport).chat_completion(REQUEST)

    assert caught.value.code == "address_refused"


async def test_a_name_that_turns_to_a_private_address_is_refused_when_it_does(
    transport_class, upstream: Upstream, monkeypatch
):
    """DNS rebinding: the address that is checked is the one that is connected to, for every new connection."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[str] = []

    def look_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(next(answers))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], int(args[0] if args else 80)))]

    connected: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", lambda sock, address: refuse(connected, address))
    guarded = transport_class(CLOSED)
    codes = []

    for _ in range(2):
        provider = local(f"http://rebinding.example:{upstream.origin.rpartition(':')[2]}", guarded)
        with pytest.raises(LLMProviderConnectionError) as caught:
            await provider.chat_completion(REQUEST)
        codes.append(caught.value.code)
        expire_dns(guarded)

    await guarded.aclose()
    assert codes[1] == "address_refused"
    assert all("127.0.0.1" not in str(address) for address in connected)
    assert upstream.seen == []


async def refuse(connected: list[Any], address: Any) -> None:
    connected.append(address)
    raise ConnectionRefusedError("refused by the test")


def expire_dns(transport: Any) -> None:
    session = getattr(transport, "_session", None)
    if session is not None:
        session.connector.clear_dns_cache()


async def test_redirects_are_not_followed(transport, upstream: Upstream):
    upstream.answer(307, headers={"location": "http://169.254.169.254/latest/meta-data"})

    with pytest.raises(LLMProviderServiceError) as caught:
        await local(upstream.base_url, transport).chat_completion(REQUEST)

    assert (caught.value.status, caught.value.code, caught.value.retryable) == (307, "redirect", False)
    assert "redirects are not followed" in caught.value.message
    assert len(upstream.seen) == 1


async def test_proxy_variables_are_not_trusted(transport_class, upstream: Upstream, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    upstream.answer(200, PONG)
    transport = transport_class(OPEN)

    response = await local(upstream.base_url, transport).chat_completion(REQUEST)

    await transport.aclose()
    assert response.text == "pong"


async def test_a_closed_port_is_refused_with_the_usual_mend(transport, unused_port: int):
    with pytest.raises(LLMProviderConnectionError) as caught:
        await local(f"http://localhost:{unused_port}/v1", transport).chat_completion(REQUEST)

    assert (caught.value.code, caught.value.retryable) == ("refused", True)
    assert "host.docker.internal" in caught.value.message


async def test_a_server_without_tls_is_told_apart(transport, upstream: Upstream):
    with pytest.raises(LLMProviderConnectionError) as caught:
        await local(upstream.base_url.replace("http://", "https://"), transport).chat_completion(REQUEST)

    assert caught.value.code == "tls"


async def test_a_name_that_does_not_resolve_is_told_apart(transport):
    with pytest.raises(LLMProviderConnectionError) as caught:
        await local("http://no-such-host.invalid/v1", transport).chat_completion(REQUEST)

    assert caught.value.code == "dns"
    assert "no-such-host.invalid" in caught.value.message


async def test_an_answer_that_never_comes_times_out(transport, upstream: Upstream):
    hold = threading.Event()
    upstream.answer(200, PONG, wait_before=hold)

    with pytest.raises(LLMProviderTimeoutError):
        await local(upstream.base_url, transport, timeout_s=0.2).chat_completion(REQUEST)

    hold.set()


async def test_a_stream_that_stalls_between_pieces_times_out(transport, upstream: Upstream):
    hold = threading.Event()

    def pieces():
        yield b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
        hold.wait(timeout=20)

    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=pieces())
    stream = local(upstream.base_url, transport, timeout_s=0.3).chat_completion_stream(REQUEST)

    first = await anext(stream)
    with pytest.raises(LLMProviderTimeoutError):
        await anext(stream)

    hold.set()
    assert first.text == "a"


async def test_a_stream_as_a_whole_has_a_limit(transport, upstream: Upstream):
    upstream.stream(*[chunk("a")] * 50)

    with pytest.raises(LLMProviderTimeoutError):
        async for _ in local(upstream.base_url, transport, stream_timeout_s=0.000001).chat_completion_stream(REQUEST):
            pass


async def test_closing_the_iterator_closes_the_connection_to_the_vendor(transport, upstream: Upstream):
    filler = chunk("x" * 10_000)

    def pieces():
        import json

        while not upstream.hung_up.is_set():
            yield b"data: " + json.dumps(filler).encode() + b"\n\n"

    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=pieces())
    stream = local(upstream.base_url, transport).chat_completion_stream(REQUEST)

    await anext(stream)
    await stream.aclose()

    assert await asyncio.to_thread(upstream.hung_up.wait, 10)


async def test_cancelling_the_task_closes_the_connection_to_the_vendor(transport, upstream: Upstream):
    hold = threading.Event()

    def pieces():
        yield b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
        while not upstream.hung_up.is_set() and not hold.wait(0.01):
            yield b": still there " + b"." * 10_000 + b"\n\n"

    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=pieces())
    began = asyncio.Event()

    async def consume() -> None:
        async for _ in local(upstream.base_url, transport).chat_completion_stream(REQUEST):
            began.set()

    task = asyncio.create_task(consume())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(upstream.hung_up.wait, 10)
    hold.set()


async def test_g20_a_connection_cut_within_the_body_is_no_clean_end(transport, upstream: Upstream):
    upstream.stream(chunk("a"), done=False, cut=True)

    with pytest.raises(LLMProviderConnectionError) as caught:
        async for _ in local(upstream.base_url, transport).chat_completion_stream(REQUEST):
            pass

    assert caught.value.code == "cut"


async def test_an_answer_beyond_the_limit_is_refused(transport, upstream: Upstream, monkeypatch):
    monkeypatch.setattr("providers.base.connector.MAX_ANSWER_BYTES", 1000)
    upstream.answer(200, {"choices": [{"message": {"content": "x" * 5000}}]})

    with pytest.raises(LLMProviderServiceError) as caught:
        await local(upstream.base_url, transport).chat_completion(REQUEST)

    assert caught.value.code == "answer_too_large"


async def test_a_compressed_answer_is_read(transport, upstream: Upstream):
    import gzip
    import json

    upstream.answer(
        200,
        gzip.compress(json.dumps(PONG).encode()),
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )

    response = await local(upstream.base_url, transport).chat_completion(REQUEST)

    assert response.text == "pong"


async def test_one_transport_serves_a_loop_and_the_last_holder_closes_it():
    class Holder:
        pass

    first, second = Holder(), Holder()

    shared = lease_transport(first)
    assert lease_transport(second) is shared
    await release_transport(first)
    assert lease_transport(second) is shared
    await release_transport(second)

    assert lease_transport(first) is not shared
    await close_transports()


def test_a_provider_works_in_one_loop_after_another(upstream: Upstream):
    upstream.answer(200, PONG)
    provider = local(upstream.base_url, None)

    async def once() -> str:
        async with provider:
            return (await provider.chat_completion(REQUEST)).text

    answers = [asyncio.run(once()), asyncio.run(once())]
    gc.collect()

    assert answers == ["pong", "pong"]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
