"""Builds the requests to one provider. Nothing here touches the network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from providers import jsontext
from providers.base.metadata import ProviderMetadata
from providers.config import LLMProviderConfig
from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderConnectionError,
    LLMProviderInvalidRequestError,
)

CONNECT_TIMEOUT_S = 10.0
MAX_REMEMBERED_URLS = 64

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_NEVER_FROM_CALLERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding"}
)
_BASE_HEADERS = {
    "accept": "application/json",
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": "llmadmin",
}


class RequestBuilder:
    """Knows where a provider is, what opens its door, and which headers go with every call."""

    def __init__(self, config: LLMProviderConfig, metadata: ProviderMetadata) -> None:
        self.config = config
        self.name = config.name or metadata.slug
        self._metadata = metadata
        self._urls: dict[str, httpx.URL] = {}
        self._settled_headers: dict[str, str] | None = None

    @property
    def slug(self) -> str:
        return self._metadata.slug

    def base_url(self) -> str:
        """The root that paths are added to. Raises `LLMProviderConnectionError` where it is missing or no http(s) URL."""
        base_url = (self.config.base_url or self._metadata.base_url or "").strip().rstrip("/")
        if not base_url:
            raise self._address_error(
                f"{self._metadata.label} has no base URL. Set one, like http://127.0.0.1:8000/v1."
            )
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise self._address_error(f"The base URL {base_url!r} can't be read: {error}.") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise self._address_error(f"The base URL {base_url!r} must begin with http:// or https:// and name a host.")
        if url.query or url.fragment:
            raise self._address_error(
                f"The base URL {base_url!r} must end with its path: take out what follows ? or #."
            )
        if url.userinfo:
            raise self._address_error(
                "The base URL holds a user name or password. Take it out; the API key goes apart."
            )
        return base_url

    def auth_headers(self, api_key: str | None) -> dict[str, str]:
        """The header that carries the key, or nothing where there is none and none is needed."""
        key = (api_key or self.config.api_key or "").strip()
        if not key:
            if self._metadata.needs_key:
                raise LLMProviderAuthenticationError(
                    f"{self._metadata.label} needs an API key, and none is set.",
                    provider=self.name,
                    code="missing_api_key",
                )
            return {}
        if not key.isascii() or not key.isprintable():
            raise LLMProviderAuthenticationError(
                "The API key holds characters that no key has. Copy it again, without quotes or line breaks.",
                provider=self.name,
                code="malformed_api_key",
            )
        scheme = self._metadata.auth_scheme
        return {self._metadata.auth_header: f"{scheme} {key}" if scheme else key}

    def build_request(
        self,
        method: str,
        path: str,
        *,
        data: Any = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Request:
        """The request as it would be sent. Nothing is sent."""
        ready = dict(self._own_headers())
        if headers:
            self._add_headers(ready, headers)
        ready |= self.auth_headers(api_key)
        wait_s = self.config.timeout_s if timeout_s is None else timeout_s
        url = self._url(path)
        body = b"" if data is None else self._body(data)
        ready["host"] = url.netloc.decode("ascii")
        ready["content-length"] = str(len(body))
        # A ready stream spares httpx its own look at body and headers, which costs as much as the rest of the request.
        request = httpx.Request(
            method,
            url,
            headers=ready,
            stream=httpx.ByteStream(body),
            extensions={
                "timeout": {"connect": min(CONNECT_TIMEOUT_S, wait_s), "read": wait_s, "write": wait_s, "pool": wait_s}
            },
        )
        request.read()
        return request

    def url_of(self, path: str) -> str:
        """Where `path` is; for connectors whose paths don't all lie below the base URL."""
        return self.base_url() + path

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            url = httpx.URL(self.url_of(path))
            if len(self._urls) < MAX_REMEMBERED_URLS:
                self._urls[path] = url
        return url

    def _own_headers(self) -> dict[str, str]:
        """What goes with every call: ours, the vendor's, options that are headers, and the config's."""
        if self._settled_headers is None:
            settled = {**_BASE_HEADERS, **self._metadata.headers}
            for option in self._metadata.options:
                value = self.config.options.get(option.name, option.default)
                if option.header and value not in (None, ""):
                    self._add_headers(settled, {option.header: _header_text(value)})
            self._add_headers(settled, self.config.headers)
            self._settled_headers = settled
        return self._settled_headers

    def _add_headers(self, ready: dict[str, str], headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            lower = name.lower()
            if lower in _NEVER_FROM_CALLERS or lower == self._metadata.auth_header:
                continue
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise LLMProviderInvalidRequestError(
                    f"The header {name!r} can't be sent: names and values are plain text without line breaks.",
                    provider=self.name,
                )
            ready[lower] = value

    def _body(self, data: Any) -> bytes:
        try:
            return jsontext.write(data)
        except (TypeError, ValueError) as error:
            raise LLMProviderInvalidRequestError(
                f"The request can't be written as JSON: {error}", provider=self.name
            ) from error

    def _address_error(self, message: str) -> LLMProviderConnectionError:
        return LLMProviderConnectionError(message, provider=self.name, code="address", retryable=False)


def _header_text(value: Any) -> str:
    """An option's value as a header: text as it is, everything else as JSON, in ASCII."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)
