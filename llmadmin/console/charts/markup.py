"""SVG elements as safe strings: every text and attribute is escaped, every number is finite."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

Number = int | float | Decimal


def finite(value: Number | None) -> float:
    """The value as a float that may stand in a path: nothing, NaN and infinity count as 0."""
    number = float(value) if value is not None else 0.0
    return number if math.isfinite(number) else 0.0


def added(values: Iterable[Number | None]) -> Number:
    """Their sum, exact for decimals and whole numbers; what is not finite counts as 0."""
    kept = [value or 0 for value in values if finite(value)]
    is_mixed = any(isinstance(value, float) for value in kept) and any(isinstance(value, Decimal) for value in kept)
    return math.fsum(kept) if is_mixed else sum(kept)


def digits(value: float) -> str:
    """Two decimals are below a pixel's tenth; trailing zeros go."""
    return f"{finite(value):.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    return f"{digits(share * 100)}%"


def element(tag: str, *children: str, **attributes: object) -> SafeString:
    """`element("text", "a < b", x=4, class_="tick")`; an attribute of None is left out, `_` becomes `-`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{conditional_escape(_attribute(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(conditional_escape(child) for child in children)
    return mark_safe(f"<{tag}{written}>{inner}</{tag}>")  # noqa: S308 - each part was escaped above


def joined(parts: list[SafeString]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 - each part is safe already


def _attribute(value: object) -> str:
    return digits(value) if isinstance(value, float) else str(value)
