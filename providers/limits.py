"""Vendors' rate limit headers: an answer may say that it was the last one for a while.

A header whose name holds `remaining` counts down, and the one of the same name with `reset` instead says when it starts
again. Where the first is 0, whoever runs the call is told how long to leave the key alone. No vendor needs code of its
own for this:

    x-ratelimit-remaining-requests, x-ratelimit-reset-requests                  OpenAI, Azure: 6m0s, 20ms
    anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset      Anthropic: RFC 3339
    x-ratelimit-remaining, x-ratelimit-reset                                    OpenRouter: milliseconds since the epoch
    ratelimit-remaining, ratelimit-reset                                        the IETF's draft: seconds

Sources: https://platform.openai.com/docs/guides/rate-limits, https://docs.anthropic.com/en/api/rate-limits,
https://openrouter.ai/docs/api-reference/limits
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple

RawHeaders = Sequence[tuple[bytes, bytes]]


class Exhausted(NamedTuple):
    """A limit that is used up, by the header that says so, and for how long."""

    header: str
    wait_s: float


Listener = Callable[[Exhausted], None]

limit_listener: ContextVar[Listener | None] = ContextVar("limit_listener", default=None)
"""Told of every limit that an answer says is used up, within the call that set it."""

_DURATION = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>[\d.]+)s)?(?:(?P<ms>[\d.]+)ms)?")
_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_EARLIEST_EPOCH_S = 1_000_000_000
_EARLIEST_EPOCH_MS = _EARLIEST_EPOCH_S * 1000


def note_limits(headers: RawHeaders) -> None:
    """Tell the call's listener what an answer's headers say. Costs next to nothing where no limit is used up."""
    for name, value in headers:
        if value == b"0" and b"remaining" in name.lower():
            listener = limit_listener.get()
            found = find_exhausted(headers)
            if listener is not None and found is not None:
                listener(found)
            return


def find_exhausted(headers: RawHeaders) -> Exhausted | None:
    """The limit that is used up for longest, or None."""
    known = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in headers}
    found = [
        Exhausted(name, wait_s)
        for name, value in known.items()
        if value.strip() == "0" and "remaining" in name
        and (wait_s := read_reset_s(known.get(name.replace("remaining", "reset"), ""))) is not None
    ]  # fmt: skip
    return max(found, key=lambda limit: limit.wait_s, default=None)


def read_reset_s(text: str) -> float | None:
    """Seconds from now until a reset: a duration, a number of seconds, a moment; None where it is none of these."""
    text = text.strip()
    if not text:
        return None
    try:
        return _seconds_until(float(text))
    except ValueError:
        pass
    if (spans := _DURATION.fullmatch(text)) is not None:
        return _sum_of(spans.groupdict())
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _seconds_until(number: float) -> float | None:
    if not 0 <= number < 1e15:
        return None
    if number >= _EARLIEST_EPOCH_MS:
        return max(0.0, number / 1000 - time.time())
    return max(0.0, number - time.time()) if number >= _EARLIEST_EPOCH_S else number


def _sum_of(spans: dict[str, str | None]) -> float | None:
    try:
        return sum(float(amount) * _UNITS_S[unit] for unit, amount in spans.items() if amount)
    except ValueError:
        return None
