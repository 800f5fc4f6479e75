"""The seam between the provider layer and the network: `httpx.AsyncBaseTransport`.

Connectors build an `httpx.Request` and hand it to a transport, not to `httpx.AsyncClient`, whose pool and redirect logic
cost ten times the call. Bytes are carried by our own client where httptools is installed (extra `fast`), else by aiohttp,
else by httpx. All connect only to addresses that the `AddressPolicy` let pass, never follow redirects, and go through a
proxy only where `proxies.py` says so.

One transport serves a whole event loop; connectors lease it and the last one to leave closes it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import weakref
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable
from functools import lru_cache, partial
from importlib.util import find_spec

import httpx

from providers.addresses import AddressPolicy, AddressRefusedError
from providers.proxies import ProxyingTransport, uses_proxy

MAX_CONNECTIONS = 1000
KEEPALIVE_S = 20.0

_policy = AddressPolicy()


class PieceStream(httpx.AsyncByteStream):
    """A body that can be read without an iterator between socket and reader: each of those costs at every piece."""

    @abstractmethod
    def read(self) -> Awaitable[bytes]:
        """The next bytes, as they came (still compressed, if they are); empty ones are the end. Raises httpx's exceptions."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece


def set_address_policy(policy: AddressPolicy) -> None:
    """Which addresses transports made from now on may connect to; for the whole process."""
    global _policy  # noqa: PLW0603 - one process, one policy, set once at start-up
    _policy = policy


def get_address_policy() -> AddressPolicy:
    return _policy


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Certificates from `SSL_CERT_FILE` where that is set, else those that httpx ships. 20 ms, so made once."""
    import certifi

    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


def create_transport(policy: AddressPolicy | None = None) -> httpx.AsyncBaseTransport:
    """A transport of its own for the caller, who closes it with `aclose()`. Needs a running event loop."""
    chosen = policy or _policy
    direct = _create_direct(chosen)
    if not uses_proxy():
        return direct
    return ProxyingTransport(direct, partial(_create_proxied, chosen))


def _create_direct(policy: AddressPolicy) -> httpx.AsyncBaseTransport:
    """The fastest one that is installed."""
    if find_spec("httptools"):
        from providers.http1_transport import Http1Transport

        return Http1Transport(policy)
    if find_spec("aiohttp"):
        from providers.aiohttp_transport import AiohttpTransport

        return AiohttpTransport(policy)
    from providers.httpx_transport import PinnedTransport

    return PinnedTransport(policy)


def _create_proxied(policy: AddressPolicy, proxy: str) -> httpx.AsyncBaseTransport:
    if find_spec("aiohttp"):
        from providers.aiohttp_transport import AiohttpTransport

        return AiohttpTransport(policy, proxy=proxy)
    from providers.httpx_transport import ProxiedTransport

    return ProxiedTransport(policy, proxy)


class _Shared:
    """A transport with the holders that still need it."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport
        self.holders: weakref.WeakSet[object] = weakref.WeakSet()


_by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[AddressPolicy, _Shared]] = (
    weakref.WeakKeyDictionary()
)


def lease_transport(holder: object) -> httpx.AsyncBaseTransport:
    """The running loop's shared transport; `holder` keeps it open until `release_transport`."""
    shared_by_policy = _by_loop.setdefault(asyncio.get_running_loop(), {})
    shared = shared_by_policy.get(_policy)
    if shared is None:
        shared = shared_by_policy[_policy] = _Shared(create_transport())
    shared.holders.add(holder)
    return shared.transport


async def release_transport(holder: object) -> None:
    """Give the running loop's transport back; the last holder closes it."""
    shared_by_policy = _by_loop.get(asyncio.get_running_loop(), {})
    for policy, shared in list(shared_by_policy.items()):
        shared.holders.discard(holder)
        if not shared.holders:
            del shared_by_policy[policy]
            await shared.transport.aclose()


async def close_transports() -> None:
    """Close every shared transport of the running loop, whoever holds it; for the end of a process or a test."""
    for shared in _by_loop.pop(asyncio.get_running_loop(), {}).values():
        await shared.transport.aclose()


def find_refusal(error: BaseException) -> AddressRefusedError | None:
    """The address refusal behind a transport's error, if that is what it was."""
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        if isinstance(found, AddressRefusedError):
            return found
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return None
