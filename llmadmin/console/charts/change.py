"""A figure against the one of the period before, in words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from llmadmin.console import formats

TIMES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Change:
    """`text` is short, `spoken` is for screen readers and hover.

    `direction` is `up`, `down`, `flat`, or `new` where the period before says too little to call it good or bad.
    """

    text: str
    spoken: str
    direction: str


def change_between(current: Decimal | float | None, previous: Decimal | float | None) -> Change | None:
    """How a figure moved; None where nothing happened in either period. Without a figure before there is no percentage."""
    now, before = float(current or 0), float(previous or 0)
    if not now and not before:
        return None
    if not before:
        return Change("new", "nothing in the period before", "new")
    if now / before > TIMES_SHOWN:
        return Change(f"over {TIMES_SHOWN}×", f"more than {TIMES_SHOWN} times the period before", "new")
    text = formats.change(now, before)
    direction = "flat" if text.startswith("±") else "up" if now > before else "down"
    return Change(text, f"{text} against the period before", direction)
