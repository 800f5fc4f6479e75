"""No answer came: names the reason in words that say what usually mends it."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

import httpx

from providers.base.failures import CallContext
from providers.errors import LLMProviderConnectionError, LLMProviderTimeoutError
from providers.transport import find_refusal

_DNS_WORDS = (
    "name or service not known",
    "nodename nor servname",
    "name resolution",
    "getaddrinfo",
    "dns",
    "no address associated",
)
_TLS_WORDS = ("certificate", "ssl", "tls", "wrong_version_number")


def connection_error(error: BaseException, context: CallContext, *, url: str) -> LLMProviderConnectionError:
    """The `LLMProviderConnectionError` for a failure below HTTP. Its `code` is the step that failed:

    `address_refused`, `address`, `dns`, `refused`, `tls` or `cut`.
    """
    parts = urlsplit(url)
    origin, host = f"{parts.scheme}://{parts.netloc}", parts.hostname or ""
    refusal = find_refusal(error)
    if refusal is not None:
        code, message = "address_refused", f"{origin} is not called: {refusal}"
    else:
        code = failed_step(error)
        message = _WORDS[code].format(origin=origin, host=host, error=_own_words(error)) + _mend(
            code, parts.scheme, host
        )
    return LLMProviderConnectionError(
        context.clean(message),
        provider=context.provider,
        model=context.model,
        code=code,
        retryable=code in ("refused", "cut", "dns"),
    )


def timeout_error(error: BaseException | None, context: CallContext, *, wait_s: float) -> LLMProviderTimeoutError:
    is_connecting = isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout))
    message = (
        f"No connection to the provider within {wait_s:g} s. A firewall may drop the packets, or the address is wrong."
        if is_connecting
        else f"No answer from the provider within {wait_s:g} s."
    )
    return LLMProviderTimeoutError(
        message,
        provider=context.provider,
        model=context.model,
        code="connect_timeout" if is_connecting else "read_timeout",
    )


_WORDS = {
    "address": "{origin} is no address that can be called: {error}.",
    "dns": "The name {host} does not resolve.",
    "refused": "Nothing listens at {origin}.",
    "tls": "TLS with {host} fails: {error}.",
    "cut": "The connection to {origin} was cut: {error}.",
}


def failed_step(error: BaseException) -> str:
    """Which step of a connection failed, from the exceptions behind the transport's own."""
    chain = _chain(error)
    words = " ".join(str(link) for link in chain).lower()
    if any(isinstance(link, (httpx.UnsupportedProtocol, httpx.InvalidURL)) for link in chain):
        return "address"
    if any(isinstance(link, ssl.SSLError) for link in chain):
        return "tls"
    if any(isinstance(link, socket.gaierror) for link in chain):
        return "dns"
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return "refused"
    if not any(isinstance(link, httpx.ConnectError) for link in chain):
        return "cut"
    if any(word in words for word in _TLS_WORDS):
        return "tls"
    return "dns" if any(word in words for word in _DNS_WORDS) else "refused"


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and the `os_error` that aiohttp keeps beside."""
    chain: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in chain:
            continue
        chain.append(link)
        os_error = getattr(link, "os_error", None)
        waiting += [link.__cause__, link.__context__, os_error if isinstance(os_error, BaseException) else None]
    return chain


def _own_words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _mend(code: str, scheme: str, host: str) -> str:
    if code == "refused" and _is_this_machine(host):
        return (
            f" In a container, {host} is the container itself: use the host's name there, such as host.docker.internal."
            " Else check that the server runs and the port is right."
        )
    if code == "refused":
        return " Check that the server runs, and the port."
    if code == "dns":
        return " Check the spelling, and that this machine's DNS knows it."
    if code == "tls" and scheme == "https":
        return " A server without TLS needs http://; a company's own certificate authority goes into SSL_CERT_FILE."
    return ""


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
