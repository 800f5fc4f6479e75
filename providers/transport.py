"""The seam between the provider layer and the network: `httpx.AsyncBaseTransport`.

Connectors build an `httpx.Request` and hand it to a transport, not to `httpx.AsyncClient`, whose pool and redirect logic
cost ten times the call. Bytes are carried by aiohttp where it is installed (extra `fast`), else by httpx. Both connect
only to addresses that the `AddressPolicy` let pass, never follow redirects and ignore proxy variables.

One transport serves a whole event loop; connectors lease it and the last one to leave closes it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import weakref
from functools import lru_cache

import httpx

from providers.addresses import AddressPolicy, AddressRefusedError

MAX_CONNECTIONS = 1000
KEEPALIVE_S = 20.0

_policy = AddressPolicy()


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
    try:
        from providers.aiohttp_transport import AiohttpTransport
    except ImportError:
        from providers.httpx_transport import PinnedTransport

        return PinnedTransport(chosen)
    return AiohttpTransport(chosen)


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
    while found is not None:
        if isinstance(found, AddressRefusedError):
            return found
        found = found.__cause__ or found.__context__
    return None
