"""httpx's own transport with the address check, for machines without aiohttp.

Names are resolved here and the checked address is put in the URL, with the name kept for `Host` and for TLS, so that
there is no second look-up to lie to. Each origin has a pool of its own: a TLS connection made for one name is never
reused for another that shares its address.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict

import httpx

from providers.addresses import AddressPolicy, literal_address
from providers.transport import KEEPALIVE_S, MAX_CONNECTIONS, tls_context

MAX_ORIGINS = 64


class PinnedTransport(httpx.AsyncBaseTransport):
    """Sends each request to an address that was checked, over `httpx.AsyncHTTPTransport`."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._pools: OrderedDict[tuple[str, str, int | None], httpx.AsyncHTTPTransport] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        try:
            address = await self._find_address(url.host, url.port or (443 if url.scheme == "https" else 80))
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        pool = await self._pool((url.scheme, url.host, url.port))
        return await pool.handle_async_request(pinned)

    async def aclose(self) -> None:
        while self._pools:
            await self._pools.popitem()[1].aclose()

    async def _find_address(self, host: str, port: int) -> str:
        self._policy.check_host(host)
        literal = literal_address(host)
        if literal is not None:
            return str(literal)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not self._policy.reason_against(address):
                return address
        self._policy.check_address(addresses[0], host=host)
        raise OSError(f"{host} has no address")

    async def _pool(self, origin: tuple[str, str, int | None]) -> httpx.AsyncHTTPTransport:
        pool = self._pools.get(origin)
        if pool is None:
            limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
            pool = self._pools[origin] = httpx.AsyncHTTPTransport(verify=tls_context(), trust_env=False, limits=limits)
            if len(self._pools) > MAX_ORIGINS:
                await self._pools.popitem(last=False)[1].aclose()
        self._pools.move_to_end(origin)
        return pool
