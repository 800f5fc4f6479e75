"""Fields of an alias that is to go: since when, what to use instead, when it ends, and what happens then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from llmadmin.catalog import fields as take
from llmadmin.catalog.fields import Cleaner, FieldError
from llmadmin.routing.models import AfterSunset, Alias

_BLANK: dict[str, Any] = {
    "deprecated": None,
    "deprecated_at": None,
    "replacement": None,
    "sunset_at": None,
    "after_sunset": AfterSunset.ANSWER.value,
}


def _optional_moment(value: Any) -> dt.datetime | None:
    return None if value in (None, "") else take.moment(value)


def _after_sunset(value: Any) -> str:
    if value not in AfterSunset.values:
        raise FieldError(f"Choose one of {', '.join(AfterSunset.values)}.")
    return str(value)


CLEANERS: dict[str, Cleaner] = {
    "deprecated": take.optional_text(most=300),
    "deprecated_at": _optional_moment,
    "replacement": take.optional_text(most=128),
    "sunset_at": _optional_moment,
    "after_sunset": _after_sunset,
}


def completed(values: Mapping[str, Any], alias: Alias | None = None) -> dict[str, Any]:
    """`values` with what follows from them: a replacement or a sunset deprecates, and what is deprecated knows since when.

    Taking `deprecated` back takes everything back that stands beside it, unless that is given anew.
    """
    found = dict(values)
    if not CLEANERS.keys() & values.keys():
        return found
    if "deprecated" in values and not values["deprecated"]:
        found = _BLANK | found
    held = {name: getattr(alias, name, blank) for name, blank in _BLANK.items()}
    after = held | found
    is_ours = alias is not None and "deprecated" not in values and not has_own_note(alias)
    if (is_ours or not after["deprecated"]) and (after["replacement"] or after["sunset_at"]):
        found["deprecated"] = after["deprecated"] = _sentence(after)
    if after["deprecated"] and after["deprecated_at"] is None:
        found["deprecated_at"] = held["deprecated_at"] or timezone.now().replace(microsecond=0)
    return found


def has_own_note(alias: Alias) -> bool:
    """Whether people wrote what stands in `deprecated`, rather than these services from the fields beside it."""
    return alias.deprecated not in (None, "", _sentence({name: getattr(alias, name) for name in _BLANK}))


def _sentence(after: Mapping[str, Any]) -> str:
    """What callers are told where nobody wrote a note."""
    until = f" It ends on {after['sunset_at']:%Y-%m-%d}." if after["sunset_at"] else ""
    return f"Use {after['replacement']} instead.{until}" if after["replacement"] else f"Use another alias.{until}"
