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
from typing import Any, NamedTuple

from providers import jsontext
from providers.types import ChatRequest, ChatResponse

_WHO_ASKS = frozenset({"user", "metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store"})
"""Fields that say who asks and how the vendor keeps it, never what is asked."""

_ENTRY_BYTES = 1_000
"""What an entry takes beside its texts, roughly."""


def cache_key(request: ChatRequest, *, scope: str = "") -> str:
    """A digest of everything that may change the answer. Equal keys are equal calls within one `scope`.

    `scope` keeps apart what must not be shared, such as services, aliases and config versions.
    """
    said: dict[str, Any] = {
        item.name: getattr(request, item.name) for item in fields(request) if item.name not in _WHO_ASKS
    }
    said["extra"] = {name: value for name, value in request.extra.items() if name not in _WHO_ASKS}
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


class _Kept(NamedTuple):
    """An answer whose vendor's body lies apart as JSON, so that its size is known and no caller can change it."""

    expires_at: float
    response: ChatResponse
    raw: bytes
    size_bytes: int


class ResponseCache:
    """At most `max_entries` answers of `max_bytes` in all; the ones unused for longest make room.

    For one event loop or thread.
    """

    def __init__(
        self,
        *,
        max_entries: int = 1_000,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Kept] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """What the answers take, as UTF-8."""
        return self._size_bytes

    def get(self, key: str) -> ChatResponse | None:
        """The answer under `key` if it is still fresh, as a copy whose `latency_ms` is 0."""
        kept = self._entries.get(key)
        if kept is None:
            return None
        if kept.expires_at <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        response = kept.response
        return replace(
            response,
            latency_ms=0.0,
            tool_calls=[replace(call) for call in response.tool_calls],
            raw=jsontext.parse(kept.raw) if kept.raw else None,
        )

    def put(self, key: str, response: ChatResponse, *, ttl_s: float) -> None:
        """Keep `response` for `ttl_s`. 0 or less keeps nothing; nor is an answer kept that would leave no room for others."""
        if ttl_s <= 0:
            return
        self._drop(key)
        try:
            raw = b"" if response.raw is None else jsontext.write(response.raw)
        except (TypeError, ValueError):
            return
        size_bytes = _ENTRY_BYTES + len(raw) + _text_bytes(response)
        if size_bytes > self._max_bytes // 4:
            return
        bare = replace(response, raw=None, tool_calls=[replace(call) for call in response.tool_calls])
        self._entries[key] = _Kept(self._clock() + ttl_s, bare, raw, size_bytes)
        self._size_bytes += size_bytes
        while len(self._entries) > self._max_entries or self._size_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        self._entries.clear()
        self._size_bytes = 0

    def _drop(self, key: str) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._size_bytes -= kept.size_bytes


def _text_bytes(response: ChatResponse) -> int:
    texts = [response.text, response.reasoning]
    for call in response.tool_calls:
        texts += (call.id, call.name, call.arguments)
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
