"""Where a provider's API keys are sent: what a key is bound to when it is entered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from llmadmin.catalog.kinds import find_kind

_ROUTING_ENDINGS = (
    "custom-host",
    "target-url",
    "target-host",
    "base-url",
    "api-base",
    "forwarded-host",
    "upstream",
    "endpoint",
)
# A Portkey config, in whatever header it comes, may send the call on as well.
_NAMES_A_HOST = re.compile(r"custom[-_]?host", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Addressed(Protocol):
    """A `Provider` row, or a provider of the resolved config."""

    @property
    def kind(self) -> str: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def options(self) -> Mapping[str, Any]: ...


def origin_of(provider: Addressed) -> str:
    """Scheme, host and port that `provider`'s keys go to, then every header or option that sends them on.

    `https://api.openai.com:443`, or `https://gate.example:443 x-portkey-custom-host=https://else.example`. Empty where no
    address is known yet.
    """
    kind = find_kind(provider.kind)
    address = provider.base_url or (kind.base_url if kind else None) or ""
    return " ".join([origin_of_url(address), *onward(provider.headers, provider.options)]).strip()


def origin_of_url(url: str) -> str:
    """`https://API.example/v1` → `https://api.example:443`; empty for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if not host or port is None:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port}"


def onward(headers: Mapping[str, str], options: Mapping[str, Any] | None = None) -> list[str]:
    """Headers and options that tell the server at the address whom to pass the call, and the key, on to: `name=value`."""
    given = {_folded(name): value for name, value in headers.items()}
    given |= {_folded(name): value for name, value in (options or {}).items()}
    return [f"{name}={value}" for name, value in sorted(given.items()) if value and _sends_on(name, value)]


def _folded(name: str) -> str:
    """Many servers take `_` and `-` for the same in a header's name."""
    return name.lower().replace("_", "-")


def _sends_on(name: str, value: Any) -> bool:
    return name.endswith(_ROUTING_ENDINGS) or bool(_NAMES_A_HOST.search(str(value)))
