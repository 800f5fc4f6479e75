"""Long polls, bounded: each waits at most 30 seconds, and neither one key nor all together may hold too many."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from llmadmin.gateway.errors import GatewayError

LONGEST_WAIT_S = 30.0
MAX_FOR_KEY = 20
MAX_IN_PROCESS = 2_000
WAKE_SPREAD_S = 0.25
"""Pollers that wake together answer within this time, not in the same instant."""

_by_key: Counter[str] = Counter()


def wait_of(text: str) -> float:
    """The `wait` that was asked for, as seconds in range; what is no number is no wait."""
    try:
        wanted = float(text)
    except ValueError:
        return 0.0
    return min(max(0.0, wanted), LONGEST_WAIT_S) if wanted == wanted else 0.0


def shortened(wait_s: float) -> float:
    """A little less than `wait_s`, so that polls that began together do not come back together."""
    return wait_s * random.uniform(0.95, 1.0)  # noqa: S311 - to spread load


def wake_delay_s() -> float:
    return random.uniform(0.0, WAKE_SPREAD_S)  # noqa: S311 - to spread load


@contextmanager
def place_for(key_id: str) -> Iterator[None]:
    """Hold one of the places. Raises a 429 when there is none."""
    if _by_key[key_id] >= MAX_FOR_KEY or _by_key.total() >= MAX_IN_PROCESS:
        raise GatewayError(
            429,
            f"Too many long polls wait already (at most {MAX_FOR_KEY} for a key). Ask without ?wait, or later.",
            kind="rate_limit_error",
            code="too_many_polls",
            headers={"retry-after": str(random.randint(5, 15))},  # noqa: S311 - to spread load
        )
    _by_key[key_id] += 1
    try:
        yield
    finally:
        _by_key[key_id] -= 1
        if _by_key[key_id] <= 0:
            del _by_key[key_id]
