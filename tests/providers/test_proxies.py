"""Calls through a proxy: only where the operator asks for it, and never around the checks that are still possible."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers import AddressPolicy, ChatRequest, LLMProviderConnectionError, create_provider
from providers.aiohttp_transport import AiohttpTransport
from providers.http1_transport import Http1Transport
from providers.httpx_transport import PinnedTransport
from providers.proxies import ProxyingTransport, find_proxy
from providers.transport import create_transport
from tests.providers.upstream import Upstream

REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
PONG = b'{"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}'
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "LLM_USE_PROXY")


class Proxy:
    """Answers every call itself, whatever host it is for; refuses tunnels."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head.partition(b" HTTP/")[0].decode())
        length = int((head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]) or 0)
        await reader.readexactly(length)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(PONG), PONG))
        await writer.drain()
        writer.close()


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    made = Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    monkeypatch.setenv("HTTP_PROXY", made.url)
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    yield made
    server.close()


@pytest.fixture(params=["aiohttp", "httpx alone"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "httpx alone":
        without(monkeypatch, "httptools", "aiohttp")
    return str(request.param)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


async def ask(base_url: str, policy: AddressPolicy | None = None) -> str:
    transport = create_transport(policy or AddressPolicy(allow_private=True))
    provider = create_provider("local", base_url=base_url, transport=transport, max_retries=0)
    try:
        return (await provider.chat_completion(REQUEST)).text
    finally:
        await transport.aclose()


@pytest.mark.usefixtures("installed")
async def test_a_call_goes_through_the_proxy_where_the_operator_says_so(proxy: Proxy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLM_USE_PROXY", "1")
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("127.0.0.1", "localhost"))

    text = await ask("http://vendor.example/v1", AddressPolicy(allow_private=False))

    assert text == "pong"
    assert proxy.seen == ["POST http://vendor.example/v1/chat/completions"]


@pytest.mark.usefixtures("installed")
async def test_a_call_with_tls_asks_the_proxy_for_a_tunnel(proxy: Proxy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLM_USE_PROXY", "true")

    with pytest.raises(LLMProviderConnectionError):
        await ask("https://vendor.example/v1")

    assert proxy.seen == ["CONNECT vendor.example:443"]


@pytest.mark.parametrize("value", ["", "0", "no"])
async def test_proxy_variables_alone_change_nothing(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("LLM_USE_PROXY", value)

    transport = create_transport()

    assert isinstance(transport, Http1Transport)
    await transport.aclose()


async def test_this_machine_is_called_directly(proxy: Proxy, upstream: Upstream, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLM_USE_PROXY", "1")
    upstream.answer(200, PONG)

    texts = [await ask(upstream.base_url), await ask(upstream.base_url.replace("127.0.0.1", "localhost"))]

    assert texts == ["pong", "pong"]
    assert proxy.seen == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal", "10.0.0.1"])
async def test_addresses_that_are_written_out_are_checked_before_the_proxy_hears_of_them(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, host: str
):
    monkeypatch.setenv("LLM_USE_PROXY", "1")

    with pytest.raises(LLMProviderConnectionError) as caught:
        await ask(f"http://{host}/v1", AddressPolicy(allow_private=False))

    assert caught.value.code == "address_refused"
    assert proxy.seen == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("url", ["gopher://127.0.0.1:9", "http://127.0.0.1:9"])
async def test_a_proxy_that_can_not_be_used_is_an_error_of_the_tree(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, url: str
):
    monkeypatch.setenv("LLM_USE_PROXY", "1")
    monkeypatch.setenv("HTTP_PROXY", url)

    with pytest.raises(LLMProviderConnectionError):
        await ask("http://vendor.example/v1")


def test_which_hosts_go_through_which_proxy(monkeypatch: pytest.MonkeyPatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:2")
    monkeypatch.setenv("NO_PROXY", "inside.example,10.1.2.3")

    found = {
        (scheme, host): find_proxy(scheme, host)
        for scheme, host in [
            ("https", "vendor.example"),
            ("http", "vendor.example"),
            ("https", "inside.example"),
            ("https", "deep.inside.example"),
            ("http", "10.1.2.3"),
            ("http", "localhost"),
            ("http", "127.0.0.1"),
            ("http", "::1"),
        ]
    }

    assert found == {
        ("https", "vendor.example"): "http://proxy.example:1",
        ("http", "vendor.example"): "http://proxy.example:2",
        ("https", "inside.example"): None,
        ("https", "deep.inside.example"): None,
        ("http", "10.1.2.3"): None,
        ("http", "localhost"): None,
        ("http", "127.0.0.1"): None,
        ("http", "::1"): None,
    }


async def test_each_proxy_has_one_transport_and_all_are_closed():
    made: list[Any] = []

    class Noting(httpx.AsyncBaseTransport):
        is_closed = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200)

        async def aclose(self) -> None:
            self.is_closed = True

    def make(proxy: str) -> Noting:
        made.append((proxy, Noting()))
        return made[-1][1]

    direct = Noting()
    with pytest.MonkeyPatch.context() as patched:
        for name in VARIABLES:
            patched.delenv(name, raising=False)
            patched.delenv(name.lower(), raising=False)
        patched.setenv("HTTP_PROXY", "http://proxy.example:1")
        transport = ProxyingTransport(direct, make)
        for host in ("a.example", "b.example", "localhost"):
            await transport.handle_async_request(httpx.Request("GET", f"http://{host}/"))
        await transport.aclose()

    assert [proxy for proxy, _ in made] == ["http://proxy.example:1"]
    assert all(each.is_closed for each in (direct, made[0][1]))


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ([], Http1Transport),
        (["httptools"], AiohttpTransport),
        (["httptools", "aiohttp"], PinnedTransport),
    ],
    ids=["all", "no httptools", "httpx alone"],
)
async def test_the_fastest_transport_that_is_installed_carries_the_calls(
    monkeypatch: pytest.MonkeyPatch, missing: list[str], expected: type
):
    without(monkeypatch, *missing)

    transport = create_transport()

    assert type(transport) is expected
    await transport.aclose()
