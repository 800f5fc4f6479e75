"""Our own HTTP/1.1 client behind httpx's transport interface: connections kept by origin, checked out in constant time.

It does what calls to providers need and no more: no redirects, no cookies, no HTTP/2. Hosts behind a proxy go another way
(`proxies.py`). Why it exists, and what it was measured against: `docs/adr/0013-own-http-transport.md`.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import lru_cache

import httpx

from providers.addresses import AddressPolicy, allowed_addresses
from providers.http1_connection import Connection, Origin, Waits
from providers.transport import KEEPALIVE_S, MAX_CONNECTIONS, tls_context

NEXT_ADDRESS_AFTER_S = 3.0
"""How long an address is tried where the host has another."""

_REPEATED = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS_TO_SET = frozenset({b"content-length", b"connection", b"transfer-encoding", b"upgrade", b"expect"})
_UNSENDABLE = re.compile(rb"[\x00-\x1f\x7f]")
_UNSENDABLE_TARGET = re.compile(rb"[\x00-\x20\x7f]")

_Idle = dict[Connection, None]
"""An ordered set: the one used last stands last."""


class Http1Transport(httpx.AsyncBaseTransport):
    """Carries `httpx.Request`s over connections of its own. Failures are httpx's exceptions, as the interface asks."""

    def __init__(self, policy: AddressPolicy, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._policy = policy
        self._loop = asyncio.get_running_loop()
        self._max_connections = max_connections
        self._permits = asyncio.Semaphore(max_connections)
        self._idle: dict[Origin, _Idle] = {}
        self._busy: set[Connection] = set()
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin, target = _route_of(str(request.url))
        data = _written(request, target, await request.aread())
        wait_s = request.extensions.get("timeout", {})
        waits = Waits(wait_s.get("read"), wait_s.get("write"))
        is_fresh = False
        while True:
            await self._take_permit(request, wait_s.get("pool"))
            try:
                connection = self._take_idle(origin)
                if connection is None:
                    is_fresh = True
                    connection = await self._connect(origin, request, wait_s.get("connect"))
                self._busy.add(connection)
            except BaseException:
                self._permits.release()
                raise
            try:
                return await connection.exchange(request, data, waits)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                # A peer may close a kept connection just as it is used. Only what may be repeated is sent again.
                if is_fresh or request.method not in _REPEATED:
                    raise

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
        while idle:
            connection, _ = idle.popitem()
            if not connection.has_been_left():
                return connection
            self._forget(connection)
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
            except ssl.SSLError:
                raise
            except (OSError, TimeoutError):
                continue
        return await self._connect_to(addresses[-1], origin)

    async def _connect_to(self, address: str, origin: Origin) -> Connection:
        _, connection = await self._loop.create_connection(
            lambda: Connection(origin, finished=self._take_back, loop=self._loop),
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
        if not connection.is_reusable or self._is_closed:
            self._forget(connection)
            return
        connection.idle_since_s = self._loop.time()
        self._idle.setdefault(connection.origin, {})[connection] = None
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(KEEPALIVE_S, self._sweep)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.get(connection.origin, {}).pop(connection, None)
        connection.close()

    def _make_room(self) -> None:
        """Close the longest idle connection where one more would be too many."""
        if len(self._open) < self._max_connections:
            return
        first = [next(iter(idle)) for idle in self._idle.values() if idle]
        if first:
            self._forget(min(first, key=lambda each: each.idle_since_s))

    def _sweep(self) -> None:
        """Close what was idle for too long; in each origin the longest idle stand first."""
        oldest_s = self._loop.time() - KEEPALIVE_S
        for origin, idle in list(self._idle.items()):
            while idle and (longest := next(iter(idle))).idle_since_s <= oldest_s:
                self._forget(longest)
            if not idle:
                del self._idle[origin]
        self._sweeper = self._loop.call_later(KEEPALIVE_S / 2, self._sweep) if self._idle else None


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
    """The request as bytes. Raises `httpx.LocalProtocolError` for what could be read as two requests."""
    method = request.method.encode("ascii", "replace")
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    lines += [b"%b: %b" % pair for pair in request.headers.raw if pair[0].lower() not in _OURS_TO_SET]
    if not method.isalpha() or _UNSENDABLE_TARGET.search(target) or any(map(_UNSENDABLE.search, lines)):
        raise httpx.LocalProtocolError("the request holds a line break or another control character", request=request)
    return b"%b\r\ncontent-length: %d\r\n\r\n%b" % (b"\r\n".join(lines), len(body), body)
