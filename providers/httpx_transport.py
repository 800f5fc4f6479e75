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
            addresses = await self._find_addresses(url.host, url.port or (443 if url.scheme == "https" else 80))
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        pool = await self._pool((url.scheme, url.host, url.port))
        for address in addresses[:-1]:
            try:
                return await pool.handle_async_request(_pin(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await pool.handle_async_request(_pin(request, addresses[-1]))

    async def aclose(self) -> None:
        while self._pools:
            await self._pools.popitem()[1].aclose()

    async def _find_addresses(self, host: str, port: int) -> list[str]:
        """Where `host` may be called, in the order to try. Raises OSError, never answers with an empty list."""
        self._policy.check_host(host)
        literal = literal_address(host)
        if literal is not None:
            return [str(literal)]
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [address for address in addresses if not self._policy.reason_against(address)]
        if not allowed:
            self._policy.check_address(addresses[0], host=host)
        return allowed

    async def _pool(self, origin: tuple[str, str, int | None]) -> httpx.AsyncHTTPTransport:
        pool = self._pools.get(origin)
        if pool is None:
            limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
            pool = self._pools[origin] = httpx.AsyncHTTPTransport(verify=tls_context(), trust_env=False, limits=limits)
            if len(self._pools) > MAX_ORIGINS:
                await self._pools.popitem(last=False)[1].aclose()
        self._pools.move_to_end(origin)
        return pool


def _pin(request: httpx.Request, address: str) -> httpx.Request:
    """`request` to `address`, with the host's name kept for TLS; `Host` is among the headers already."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
