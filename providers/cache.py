"""Answers to calls that were made before, word for word: exact-match, with a time to live, bounded.

Only whole chat answers are kept, and only where an alias asks for it (`cache_ttl_s`).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from providers.types import ChatRequest, ChatResponse


def cache_key(request: ChatRequest, *, scope: str = "") -> str:
    """A digest of everything that may change the answer. Equal keys are equal calls within one `scope`.

    `scope` keeps apart what must not be shared, such as services, aliases and config versions.
    """
    said: dict[str, Any] = {item.name: getattr(request, item.name) for item in fields(request)}
    text = json.dumps([scope, said], sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    try:
        return list(value)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"A request with a {type(value).__name__} can't be cached.") from None


class ResponseCache:
    """At most `max_entries` answers; the ones unused for longest make room. For one event loop or thread."""

    def __init__(self, *, max_entries: int = 1_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, ChatResponse]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> ChatResponse | None:
        """The answer under `key` if it is still fresh, as a copy whose `latency_ms` is 0."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        expires_at, response = entry
        if expires_at <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return replace(response, latency_ms=0.0, tool_calls=[replace(call) for call in response.tool_calls])

    def put(self, key: str, response: ChatResponse, *, ttl_s: float) -> None:
        """Keep `response` for `ttl_s`; 0 or less keeps nothing."""
        if ttl_s <= 0:
            return
        self._entries[key] = (self._clock() + ttl_s, response)
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()
