"""Who is worth asking: a circuit breaker for each provider, key and model, fed by real traffic alone.

Failures within a rolling window make a circuit cool; the pause grows with every relapse. After it exactly one call is
the probe: its success closes the circuit, its failure makes it cool again. What the caller did wrong never counts.

    connection                                    counts against the provider
    authentication, rate_limit, resource_exhausted  against the key (where there is none, against the model)
    service, timeout, model                       against the model at that provider

A bad key, used-up credit and a `Retry-After` are certain and cool at once; the rest needs several failures. A key whose
limit is used up by an answer that came (`rest`) is left alone until the vendor's reset.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from providers.errors import LLMProviderError

Scope = Literal["provider", "key", "model"]
State = Literal["closed", "cooling", "ready", "probing"]

_KEY_CLASSES = frozenset({"authentication", "rate_limit", "resource_exhausted"})


class Circuit(NamedTuple):
    """Whose health: a provider by name, a key by id, or a model as `provider/name`."""

    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class HealthState:
    """One circuit, for people: what state it is in and why. `cooling_until_at` is UTC."""

    scope: Scope
    name: str
    state: State
    reason: str
    error_class: str
    recent_failures: int
    last_failure_at: datetime
    cooling_until_at: datetime | None


@dataclass(slots=True)
class _Entry:
    results: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=50))
    relapses: int = 0
    cools_until: float | None = None
    probe_since: float | None = None
    reason: str = ""
    error_class: str = ""
    last_failure: float = 0.0


class HealthBoard:
    """The health of everything that failed lately. What never failed takes no memory and costs one look-up."""

    def __init__(
        self,
        *,
        window_s: float = 60.0,
        min_failures: int = 5,
        failure_ratio: float = 0.5,
        cooling_s: float = 5.0,
        max_cooling_s: float = 300.0,
        probe_timeout_s: float = 120.0,
        max_entries: int = 5_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window_s = window_s
        self._min_failures = min_failures
        self._failure_ratio = failure_ratio
        self._cooling_s = cooling_s
        self._max_cooling_s = max_cooling_s
        self._probe_timeout_s = probe_timeout_s
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[Circuit, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def is_quiet(self) -> bool:
        """Nothing failed lately, so that every claim is granted and no success needs noting."""
        return not self._entries

    def claim(self, *circuits: Circuit) -> tuple[Circuit, ...] | None:
        """Ask whether a call through all of these circuits is welcome; None says no.

        Circuits that are due for a probe are taken by this call, all or none, and returned: whoever gets them reports
        with `succeed`, `fail` or `release`, and until then nobody else probes them.
        """
        if self.is_quiet:
            return ()
        with self._lock:
            now = self._clock()
            due = []
            for circuit in circuits:
                entry = self._entries.get(circuit)
                if entry is None or entry.cools_until is None:
                    continue
                if self._state(entry, now) != "ready":
                    return None
                due.append((circuit, entry))
            for _, entry in due:
                entry.probe_since = now
            return tuple(circuit for circuit, _ in due)

    def release(self, claimed: Iterable[Circuit]) -> None:
        """Give claimed circuits back without a result, since the call said nothing about them."""
        with self._lock:
            for circuit in claimed:
                entry = self._entries.get(circuit)
                if entry is not None:
                    entry.probe_since = None

    def succeed(self, *circuits: Circuit) -> None:
        """An answer came through these circuits: those past their pause close."""
        if self.is_quiet:
            return
        with self._lock:
            now = self._clock()
            for circuit in circuits:
                entry = self._entries.get(circuit)
                if entry is None or (entry.cools_until is not None and now < entry.cools_until):
                    continue
                entry.results.append((now, True))
                if entry.cools_until is not None or not self._failures(entry, now):
                    del self._entries[circuit]

    def fail(
        self,
        error: LLMProviderError,
        *,
        provider: str,
        model: str,
        key_id: str | None = None,
        claimed: Iterable[Circuit] = (),
    ) -> None:
        """Count an upstream's failure against the circuit that it speaks of, and settle the call's claims.

        An error that the upstream itself answered shows that the provider is there, so a probe of it succeeded.
        """
        circuit = circuit_for(error, provider=provider, model=model, key_id=key_id)
        others = [other for other in claimed if other != circuit]
        if others:
            is_answer = error.error_class not in ("connection", "timeout")
            self.succeed(*(other for other in others if is_answer and other.scope == "provider"))
            self.release(others)
        if circuit is not None:
            self._count(circuit, error)

    def _count(self, circuit: Circuit, error: LLMProviderError) -> None:
        with self._lock:
            now = self._clock()
            entry = self._open_entry(circuit)
            entry.results.append((now, False))
            entry.last_failure = now
            entry.error_class = error.error_class
            entry.reason = str(error)[:300]
            is_relapse = entry.cools_until is not None and now >= entry.cools_until
            if is_relapse or (entry.cools_until is None and self._is_too_much(entry, error, now)):
                self._cool(entry, error, now)

    def rest(self, circuit: Circuit, for_s: float, *, reason: str) -> None:
        """Leave a circuit alone for `for_s`, at most the longest pause, though nothing failed: its limit is used up."""
        if for_s <= 0:
            return
        with self._lock:
            now = self._clock()
            entry = self._open_entry(circuit)
            ends = now + min(for_s, self._max_cooling_s)
            if entry.cools_until is None or ends > entry.cools_until:
                entry.cools_until, entry.probe_since = ends, None
                entry.reason, entry.error_class, entry.last_failure = reason, "rate_limit", now

    def reset(self, circuit: Circuit) -> None:
        """Forget a circuit's failures, for somebody who mended it."""
        with self._lock:
            self._entries.pop(circuit, None)

    def state(self, circuit: Circuit) -> State:
        entry = self._entries.get(circuit)
        return "closed" if entry is None else self._state(entry, self._clock())

    def snapshot(self, *, now_at: datetime | None = None) -> list[HealthState]:
        """Every circuit that failed lately, the latest failure first; what has been quiet for long is dropped."""
        now_at = now_at or datetime.now(UTC)
        with self._lock:
            now = self._clock()
            self._forget_quiet(now)
            return [
                HealthState(
                    scope=circuit.scope,
                    name=circuit.name,
                    state=self._state(entry, now),
                    reason=entry.reason,
                    error_class=entry.error_class,
                    recent_failures=self._failures(entry, now),
                    last_failure_at=now_at - timedelta(seconds=now - entry.last_failure),
                    cooling_until_at=None
                    if entry.cools_until is None
                    else now_at + timedelta(seconds=entry.cools_until - now),
                )
                for circuit, entry in sorted(self._entries.items(), key=lambda item: -item[1].last_failure)
            ]

    def _open_entry(self, circuit: Circuit) -> _Entry:
        entry = self._entries.get(circuit)
        if entry is None:
            entry = self._entries[circuit] = _Entry()
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        self._entries.move_to_end(circuit)
        return entry

    def _state(self, entry: _Entry, now: float) -> State:
        if entry.cools_until is None:
            return "closed"
        if now < entry.cools_until:
            return "cooling"
        if entry.probe_since is not None and now - entry.probe_since < self._probe_timeout_s:
            return "probing"
        return "ready"

    def _is_too_much(self, entry: _Entry, error: LLMProviderError, now: float) -> bool:
        if error.error_class in ("authentication", "resource_exhausted") or error.retry_after_s:
            return True
        failures = self._failures(entry, now)
        calls = sum(1 for at, _ in entry.results if now - at <= self._window_s)
        return failures >= self._min_failures and failures >= self._failure_ratio * calls

    def _failures(self, entry: _Entry, now: float) -> int:
        return sum(1 for at, is_ok in entry.results if not is_ok and now - at <= self._window_s)

    def _cool(self, entry: _Entry, error: LLMProviderError, now: float) -> None:
        pause_s = self._cooling_s * 2.0 ** min(entry.relapses, 30)
        if error.retry_after_s:
            pause_s = max(error.retry_after_s, pause_s if entry.relapses else 0.0)
        pause_s = min(pause_s, self._max_cooling_s)
        entry.relapses += 1
        entry.cools_until = now + pause_s
        entry.probe_since = None

    def _forget_quiet(self, now: float) -> None:
        quiet = [
            circuit
            for circuit, entry in self._entries.items()
            if now - max(entry.last_failure, entry.cools_until or 0.0) > max(self._window_s, self._max_cooling_s)
        ]
        for circuit in quiet:
            del self._entries[circuit]


def circuit_for(error: LLMProviderError, *, provider: str, model: str, key_id: str | None) -> Circuit | None:
    """The circuit that an error counts against; None for what the caller did wrong."""
    kind = error.error_class
    if kind == "invalid_request":
        return None
    if kind == "connection":
        return Circuit("provider", provider)
    if kind in _KEY_CLASSES and key_id is not None:
        return Circuit("key", key_id)
    return Circuit("model", f"{provider}/{model}")
