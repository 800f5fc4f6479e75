"""Our own HTTP/1.1 client behind httpx's transport interface: connections kept by origin, checked out in constant time.

It does what calls to providers need and no more: no proxies, no redirects, no cookies, no HTTP/2. See
`docs/adr/0013-own-http-transport.md` for what it is measured against.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from functools import lru_cache

import httpx

from providers.addresses import AddressPolicy, allowed_addresses
from providers.http1_connection import Connection, Origin
from providers.transport import KEEPALIVE_S, MAX_CONNECTIONS, tls_context

POLLED_AFTER_S = 1.0
"""A connection that was idle for longer is looked at before it is used: its peer may have closed it meanwhile."""

NEXT_ADDRESS_AFTER_S = 3.0
"""How long an address is tried where the host has another."""

_RETRIED = frozenset({"GET", "HEAD", "OPTIONS"})


class Http1Transport(httpx.AsyncBaseTransport):
    """Carries `httpx.Request`s over connections of its own. Failures are httpx's exceptions, as the interface asks."""

    def __init__(self, policy: AddressPolicy, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._policy = policy
        self._max_connections = max_connections
        self._permits = asyncio.Semaphore(max_connections)
        self._idle: dict[Origin, deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin, target = _route_of(str(request.url))
        data = _written(request, target, await request.aread())
        waits = request.extensions.get("timeout", {})
        await self._take_permit(request, waits.get("pool"))
        connection = None
        try:
            connection = self._take_idle(origin)
            is_fresh = connection is None
            connection = connection or await self._connect(origin, request, waits.get("connect"))
            self._busy.add(connection)
        except BaseException:
            self._permits.release()
            raise
        try:
            return await connection.exchange(request, data, read_s=waits.get("read"))
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # A peer may close a kept connection just as it is used. Only what may be repeated is sent again by itself.
            if is_fresh or not connection.is_untouched or request.method not in _RETRIED:
                raise
        return await self.handle_async_request(request)

    async def aclose(self) -> None:
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.close()
        self._idle.clear()

    # Connections

    async def _take_permit(self, request: httpx.Request, pool_s: float | None) -> None:
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            async with asyncio.timeout(pool_s):
                await self._permits.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use", request=request) from error

    def _take_idle(self, origin: Origin) -> Connection | None:
        """The connection that was used last, if one lives."""
        idle = self._idle.get(origin)
        now_s = asyncio.get_running_loop().time()
        while idle:
            connection = idle.pop()
            idle_s = now_s - connection.idle_since_s
            if connection.is_closed or idle_s > KEEPALIVE_S or (idle_s > POLLED_AFTER_S and connection.has_been_left()):
                connection.close()
                continue
            return connection
        return None

    async def _connect(self, origin: Origin, request: httpx.Request, connect_s: float | None) -> Connection:
        if self._is_closed:
            raise httpx.ConnectError("the transport is closed", request=request)
        self._make_room()
        try:
            async with asyncio.timeout(connect_s):
                connection = await self._connect_somewhere(origin)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection to {origin.host}", request=request) from error
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(str(error) or type(error).__name__, request=request) from error
        self._open.add(connection)
        return connection

    async def _connect_somewhere(self, origin: Origin) -> Connection:
        """A connection to the first address of the host that takes it. The address checked is the one connected to."""
        addresses = await allowed_addresses(self._policy, origin.host, origin.port)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(NEXT_ADDRESS_AFTER_S):
                    return await self._connect_to(address, origin)
            except (OSError, TimeoutError) as error:
                if isinstance(error, ssl.SSLError):
                    raise
        return await self._connect_to(addresses[-1], origin)

    async def _connect_to(self, address: str, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(origin, finished=self._take_back, loop=loop),
            address,
            origin.port,
            ssl=tls_context() if origin.is_tls else None,
            server_hostname=origin.host if origin.is_tls else None,
        )
        return connection

    def _take_back(self, connection: Connection) -> None:
        """An exchange has ended, or an idle connection was lost."""
        if connection in self._busy:
            self._busy.discard(connection)
            self._permits.release()
        if connection.is_reusable and not self._is_closed:
            loop = asyncio.get_running_loop()
            connection.idle_since_s = loop.time()
            self._idle.setdefault(connection.origin, deque()).append(connection)
            if self._sweeper is None:
                self._sweeper = loop.call_later(KEEPALIVE_S, self._sweep)
        else:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle and connection in idle:
            idle.remove(connection)
        connection.close()

    def _make_room(self) -> None:
        """Close the longest idle connection where one more would be too many."""
        if len(self._open) < self._max_connections:
            return
        first = min((idle[0] for idle in self._idle.values() if idle), key=lambda each: each.idle_since_s, default=None)
        if first is not None:
            self._forget(first)

    def _sweep(self) -> None:
        """Close what was idle for too long; the longest idle stand first."""
        loop = asyncio.get_running_loop()
        oldest_s = loop.time() - KEEPALIVE_S
        for origin, idle in list(self._idle.items()):
            while idle and idle[0].idle_since_s <= oldest_s:
                self._forget(idle[0])
            if not idle:
                del self._idle[origin]
        self._sweeper = loop.call_later(KEEPALIVE_S / 2, self._sweep) if self._idle else None


@lru_cache(maxsize=512)
def _route_of(url: str) -> tuple[Origin, bytes]:
    """Where a request goes, and the target of its first line. Raises `httpx.UnsupportedProtocol`."""
    parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise httpx.UnsupportedProtocol(f"{url} is no http or https address")
    is_tls = parsed.scheme == "https"
    host = parsed.raw_host.decode("ascii")
    return Origin(is_tls, host, parsed.port or (443 if is_tls else 80)), parsed.raw_path


def _written(request: httpx.Request, target: bytes, body: bytes) -> bytes:
    """The request as bytes. Raises `httpx.LocalProtocolError` for what would become two requests."""
    pairs = request.headers.raw
    lines = [b"%b: %b\r\n" % pair for pair in pairs]
    head = b"%b %b HTTP/1.1\r\n%b" % (request.method.encode("ascii"), target, b"".join(lines))
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1:
        raise httpx.LocalProtocolError("a header holds a line break", request=request)
    return b"%b\r\n%b" % (head, body)
