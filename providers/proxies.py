"""Calls through a proxy, for machines that reach the world no other way.

Off unless `LLM_USE_PROXY` is set, since a proxy resolves names itself: where it stands, the address policy sees the name
that is called but not the address behind it. On, the usual variables hold: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and
`NO_PROXY` for hosts that are called directly. This machine is always called directly.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.request import getproxies_environment, proxy_bypass

import httpx

from providers.addresses import literal_address

MakeTransport = Callable[[str], httpx.AsyncBaseTransport]
"""A transport that goes through the proxy at this URL."""


def uses_proxy() -> bool:
    return os.environ.get("LLM_USE_PROXY", "").strip().lower() in ("1", "true", "yes", "on")


def find_proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for calls to `host`, or None for a direct call."""
    literal = literal_address(host)
    if host == "localhost" or (literal is not None and literal.is_loopback) or proxy_bypass(host):
        return None
    proxies = getproxies_environment()
    return proxies.get(scheme) or proxies.get("all")


class ProxyingTransport(httpx.AsyncBaseTransport):
    """Sends what must go through a proxy that way, and everything else by `direct`. One transport for each proxy."""

    def __init__(self, direct: httpx.AsyncBaseTransport, make: MakeTransport) -> None:
        self._direct = direct
        self._make = make
        self._by_proxy: dict[str, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = find_proxy(request.url.scheme, request.url.host)
        if proxy is None:
            return await self._direct.handle_async_request(request)
        transport = self._by_proxy.get(proxy)
        if transport is None:
            transport = self._by_proxy[proxy] = self._make(proxy)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        for transport in (self._direct, *self._by_proxy.values()):
            await transport.aclose()
