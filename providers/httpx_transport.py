"""httpx's own transport with the address check, for machines without aiohttp.

Names are resolved here and the checked address is put in the URL, with the name kept for `Host` and for TLS, so that
there is no second look-up to lie to. Each origin has a pool of its own: a TLS connection made for one name is never
reused for another that shares its address.
"""

from __future__ import annotations

from collections import OrderedDict

import httpx

from providers.addresses import AddressPolicy, allowed_addresses
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
            addresses = await allowed_addresses(
                self._policy, url.host, url.port or (443 if url.scheme == "https" else 80)
            )
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

    async def _pool(self, origin: tuple[str, str, int | None]) -> httpx.AsyncHTTPTransport:
        pool = self._pools.get(origin)
        if pool is None:
            limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
            pool = self._pools[origin] = httpx.AsyncHTTPTransport(verify=tls_context(), trust_env=False, limits=limits)
            if len(self._pools) > MAX_ORIGINS:
                await self._pools.popitem(last=False)[1].aclose()
        self._pools.move_to_end(origin)
        return pool


class ProxiedTransport(httpx.AsyncBaseTransport):
    """httpx's own transport through a proxy, which resolves the names."""

    def __init__(self, policy: AddressPolicy, proxy: str) -> None:
        self._policy = policy
        self._proxy = proxy
        self._pool: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            self._policy.check_host(request.url.host)
            if self._pool is None:
                self._pool = httpx.AsyncHTTPTransport(proxy=self._proxy, verify=tls_context(), trust_env=False)
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except (ValueError, ImportError) as error:  # a scheme that no proxy has, or SOCKS without its package
            raise httpx.UnsupportedProtocol(str(error), request=request) from error
        return await self._pool.handle_async_request(request)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


def _pin(request: httpx.Request, address: str) -> httpx.Request:
    """`request` to `address`, with the host's name kept for TLS; `Host` is among the headers already."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
