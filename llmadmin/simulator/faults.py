"""How a simulated call goes wrong, or is shaped, on request.

The wish comes from the model's name (`sim-slow`, `sim-large-503`), from what was set at the control endpoint for that
model, from a directive in the prompt (`[simulate: status=429; retry_after=2]`) or from the header `x-simulate`. Later
ones in this list win, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

MAX_DELAY_MS = 120_000
MAX_WORDS = 20_000


class UnknownWishError(ValueError):
    """A directive names a wish that the simulator doesn't know, or gives it a value that it can't have."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The wishes for one call. Numbers at None and flags at False change nothing."""

    status: int | None = None
    """Answer with this HTTP status and an error body."""
    retry_after: float | None = None
    delay_ms: int | None = None
    """Wait before the first byte."""
    chunk_delay_ms: int | None = None
    cut_after: int | None = None
    """Drop the connection after this many chunks of a stream; for a plain answer, in the middle of its body."""
    error_after: int | None = None
    """Send an error event after this many chunks of a stream."""
    words: int | None = None
    """Length of the answer."""
    reasoning: int | None = None
    cached: int | None = None
    every: int | None = None
    """Fail on every n-th call only, the first one included."""
    malformed: bool = False
    """Send JSON that ends in the middle."""
    tool: bool = False
    """Call the first tool that is offered."""
    no_usage: bool = False

    def over(self, below: Faults) -> Faults:
        """These wishes, and those of `below` where these are silent."""
        return replace(below, **{name: value for name in _NAMES if (value := getattr(self, name)) not in (None, False)})


_NAMES = tuple(field.name for field in fields(Faults))
_FLAGS = frozenset({"malformed", "tool", "no_usage"})
_DIRECTIVE = re.compile(r"\[simulate:\s*([^\]]{1,500})\]")
_LIMITS = {
    "status": (200, 599),
    "delay_ms": (0, MAX_DELAY_MS),
    "chunk_delay_ms": (0, MAX_DELAY_MS),
    "words": (0, MAX_WORDS),
}
_BY_SUFFIX = {
    "slow": Faults(delay_ms=1500, chunk_delay_ms=100),
    "flaky": Faults(status=503, every=2),
    "cut": Faults(cut_after=5),
    "malformed": Faults(malformed=True),
    "unmetered": Faults(no_usage=True),
    "reasoning": Faults(reasoning=24),
}


def of_model(name: str) -> Faults:
    """What a model's name asks for: `sim-slow`, `sim-large-503`."""
    suffix = name.rpartition("-")[2]
    if len(suffix) == 3 and suffix.isdigit() and 400 <= int(suffix) <= 599:
        return Faults(status=int(suffix))
    return _BY_SUFFIX.get(suffix, Faults())


def of_prompt(text: str) -> Faults:
    """The directive in a prompt, the last one if there are several."""
    found = _DIRECTIVE.findall(text) if "[simulate:" in text else None
    return parse(found[-1]) if found else Faults()


def parse(text: str) -> Faults:
    """Read `status=429; retry_after=2; malformed`. Raises `UnknownWishError`."""
    wishes: dict[str, Any] = {}
    for part in text.split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name:
            wishes[name] = value if equals else True
    return read(wishes)


def read(wishes: Mapping[str, Any]) -> Faults:
    """Read wishes given by name. Raises `UnknownWishError`."""
    unknown = sorted(set(wishes) - set(_NAMES))
    if unknown:
        raise UnknownWishError(f"The simulator can't do '{unknown[0]}'. It knows: {', '.join(_NAMES)}.")
    return Faults(**{name: _value(name, given) for name, given in wishes.items() if given is not None})


def _value(name: str, given: Any) -> Any:
    if name in _FLAGS:
        return str(given).lower() not in ("false", "0", "no")
    try:
        number = float(given) if name == "retry_after" else int(given)
    except (TypeError, ValueError) as error:
        raise UnknownWishError(f"'{name}' needs a number, as in {name}=3.") from error
    low, high = _LIMITS.get(name, (0, 1_000_000))
    if not low <= number <= high:
        raise UnknownWishError(f"'{name}' must be from {low} to {high}.")
    return number
