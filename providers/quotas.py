"""Rate limits that the owner of a key has set for it: calls and tokens of the last 60 seconds, counted by whoever sends them.

A key at its limit is passed over for another one; nobody is asked and nobody's health suffers. Calls count when they are
sent, tokens once the answer says how many there were, so a burst may overshoot by the tokens of the calls under way.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import NamedTuple

from providers.plan import PlannedKey
from providers.types import ChatChunk, Usage

WINDOW_S = 60.0


class Load(NamedTuple):
    """What went over a key within the window."""

    calls: int = 0
    tokens: int = 0


class _Window:
    """Calls and tokens by the second in which they happened, and those that other processes report."""

    __slots__ = ("_seconds", "calls", "elsewhere", "elsewhere_until", "tokens")

    def __init__(self) -> None:
        self._seconds: deque[list[float]] = deque()
        self.calls = 0
        self.tokens = 0
        self.elsewhere = Load()
        self.elsewhere_until = 0.0

    def add(self, now: float, *, calls: int = 0, tokens: int = 0) -> None:
        second = float(int(now))
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        self._seconds[-1][1] += calls
        self._seconds[-1][2] += tokens
        self.calls += calls
        self.tokens += tokens

    def load(self, now: float) -> Load:
        while self._seconds and self._seconds[0][0] <= now - WINDOW_S:
            _, calls, tokens = self._seconds.popleft()
            self.calls -= int(calls)
            self.tokens -= int(tokens)
        others = self.elsewhere if now < self.elsewhere_until else Load()
        return Load(self.calls + others.calls, self.tokens + others.tokens)

    def wait_s(self, now: float, key: PlannedKey) -> float:
        """Seconds until enough of what counts now is older than the window."""
        calls, tokens = self.load(now)
        for second, its_calls, its_tokens in self._seconds:
            calls, tokens = calls - int(its_calls), tokens - int(its_tokens)
            if _fits(key, Load(calls, tokens)):
                return max(0.0, second + WINDOW_S - now)
        return WINDOW_S


class KeyQuotas:
    """The load of every key that has a limit; keys without one cost nothing. For one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_keys: int = 10_000) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def has_room(self, key: PlannedKey) -> bool:
        """Whether one more call may go over `key` now."""
        if not key.is_limited or key.id is None:
            return True
        window = self._windows.get(key.id)
        return window is None or _fits(key, window.load(self._clock()))

    def wait_s(self, key: PlannedKey) -> float:
        """How long until `key` has room again."""
        window = self._windows.get(key.id or "")
        return 0.0 if window is None or self.has_room(key) else window.wait_s(self._clock(), key)

    def take(self, key: PlannedKey) -> None:
        """A call is sent over `key`."""
        if key.is_limited and key.id is not None:
            self._window(key.id).add(self._clock(), calls=1)

    def is_counted(self, key_id: str | None) -> bool:
        """Whether the tokens of an answer over this key are of interest."""
        return key_id is not None and key_id in self._windows

    def note_tokens(self, key_id: str | None, usage: Usage | None) -> None:
        """An answer over this key said what it used, if it did."""
        window = self._windows.get(key_id or "")
        if window is not None and usage is not None:
            window.add(self._clock(), tokens=usage.total_input_tokens + usage.total_output_tokens)

    def note_elsewhere(self, key_id: str, load: Load, *, for_s: float) -> None:
        """What other processes say that they sent over this key; it counts for `for_s`, then they are silent."""
        window = self._window(key_id)
        window.elsewhere, window.elsewhere_until = load, self._clock() + for_s

    def loads(self) -> dict[str, Load]:
        """This process's own load of each key within the window, without what others reported."""
        now = self._clock()
        found = {}
        for key_id, window in self._windows.items():
            window.load(now)
            found[key_id] = Load(window.calls, window.tokens)
        return found

    def _window(self, key_id: str) -> _Window:
        window = self._windows.get(key_id)
        if window is None:
            window = self._windows[key_id] = _Window()
            if len(self._windows) > self._max_keys:
                self._windows.popitem(last=False)
        self._windows.move_to_end(key_id)
        return window


async def count_tokens(
    chunks: AsyncIterator[ChatChunk], quotas: KeyQuotas, key_id: str | None, *, seen: Usage | None
) -> AsyncGenerator[ChatChunk]:
    """`chunks` as they are; at their end, the last count among them goes to the key's load. `seen` came before them."""
    usage = seen
    try:
        async for chunk in chunks:
            if chunk.usage is not None:
                usage = chunk.usage
            yield chunk
    finally:
        quotas.note_tokens(key_id, usage)
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


def _fits(key: PlannedKey, load: Load) -> bool:
    return (key.calls_per_minute is None or load.calls < key.calls_per_minute) and (
        key.tokens_per_minute is None or load.tokens < key.tokens_per_minute
    )
