"""aiohttp behind httpx's transport interface: for calls through a proxy, and where httptools is not installed.

It needs about a tenth of the CPU of httpx's own pool, which looks at every idle connection on every request.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict

from providers.addresses import AddressPolicy, AddressRefusedError
from providers.transport import KEEPALIVE_S, MAX_CONNECTIONS, PieceStream, tls_context

MAX_CHECKED_HOSTS = 1000

_OURS_TO_SET = frozenset({b"host", b"content-length", b"connection", b"transfer-encoding"})


class CheckedResolver(AbstractResolver):
    """Resolves a name and drops the addresses that the policy refuses; what is left is what gets connected to."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self._policy.check_host(host)
        found = await self._inner.resolve(host, port, family)
        allowed = [entry for entry in found if not self._policy.reason_against(entry["host"])]
        if not allowed:
            self._policy.check_address(found[0]["host"], host=host)
        return allowed

    async def close(self) -> None:
        await self._inner.close()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries `httpx.Request`s over an aiohttp session. Failures are httpx's exceptions, as the interface asks."""

    def __init__(
        self, policy: AddressPolicy, *, max_connections: int = MAX_CONNECTIONS, proxy: str | None = None
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._checked_hosts: set[str] = set()
        # The proxy was chosen by the operator and mostly lives inside; what it connects to it resolves itself.
        resolver = CheckedResolver(AddressPolicy(allow_private=True) if proxy else policy)
        connector = aiohttp.TCPConnector(
            resolver=resolver, limit=max_connections, keepalive_timeout=KEEPALIVE_S, ssl=tls_context()
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            timeout=aiohttp.ClientTimeout(),
            max_line_size=65_536,
            max_field_size=65_536,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            self._check_host(request.url.host)
            answer = await self._session.request(
                request.method,
                _yarl(str(request.url)),
                headers=_headers(request),
                data=request.content or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=_timeout_of(request),
            )
        except Exception as error:
            raise _as_httpx(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request))

    async def aclose(self) -> None:
        await self._session.close()

    def _check_host(self, host: str) -> None:
        """Hosts that write out an address never reach the resolver, so they are looked at here, each once."""
        if host not in self._checked_hosts:
            self._policy.check_host(host)
            if len(self._checked_hosts) < MAX_CHECKED_HOSTS:
                self._checked_hosts.add(host)


class _Body(PieceStream):
    """An answer's bytes as they arrive. Closing it early closes the connection, so the vendor stops at once."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request
        self._read = answer.content.readany

    async def read(self) -> bytes:
        try:
            return await self._read()
        except Exception as error:
            raise _as_httpx(error, self._request) from error

    async def aclose(self) -> None:
        self._answer.close()


@lru_cache(maxsize=512)
def _yarl(url: str) -> yarl.URL:
    return yarl.URL(url, encoded=True)


def _timeout_of(request: httpx.Request) -> aiohttp.ClientTimeout:
    waits = request.extensions.get("timeout", {})
    return _timeout(waits.get("connect"), waits.get("read"), waits.get("pool"))


@lru_cache(maxsize=256)
def _timeout(connect: float | None, read: float | None, pool: float | None) -> aiohttp.ClientTimeout:
    """httpx's durations as aiohttp's, which has none for writing; the caller's total covers that."""
    waits = (pool or 0) + (connect or 0) or None
    return aiohttp.ClientTimeout(total=None, connect=waits, sock_connect=connect, sock_read=read)


def _headers(request: httpx.Request) -> CIMultiDict[str]:
    return CIMultiDict(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if name.lower() not in _OURS_TO_SET
    )


def _as_httpx(error: Exception, request: httpx.Request) -> httpx.HTTPError:
    """The same failure in httpx's words."""
    kind: type[httpx.RequestError]
    if isinstance(error, AddressRefusedError):
        kind = httpx.ConnectError
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        kind = httpx.ConnectTimeout
    elif isinstance(error, (aiohttp.ServerTimeoutError, TimeoutError)):
        kind = httpx.ReadTimeout
    elif isinstance(error, aiohttp.ClientConnectorError):
        kind = httpx.ConnectError
    elif isinstance(error, (aiohttp.InvalidURL, ValueError, UnicodeError)):
        kind = httpx.UnsupportedProtocol
    elif isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        kind = httpx.RemoteProtocolError
    else:
        kind = httpx.ReadError
    return kind(_words(error), request=request)


def _words(error: Any) -> str:
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer ended before it was whole"
    return str(error) or type(error).__name__
