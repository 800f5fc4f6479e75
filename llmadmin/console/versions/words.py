"""Objects and their values as people say them: `price of openai/gpt-4.1 from 1 Jan 2026`, `sim/alpha → sim/beta`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from llmadmin.console import formats

_PRICE = re.compile(r"^(?P<model>.+) from (?P<since>\d{4}-\d\d-\d\d(T[\d:.]+Z)?)$")


def named(noun: str, name: str) -> tuple[str, str]:
    """The words before an object's name, and the name, which is empty for the only one of its kind."""
    if noun == "default":
        return "default model", ""
    if noun == "price" and (found := _PRICE.match(name)):
        return "price of", f"{found['model']} from {moment(found['since'])}"
    return noun, name


def spoken(noun: str, name: str) -> str:
    return " ".join(named(noun, name)).strip()


def value_of(field: str, value: Any) -> str:
    """A field's value in words, its unit left to the field's label."""
    if field == "targets" and isinstance(value, list):
        return _chain(value)
    if field.endswith("_usd_per_mtok") and value is not None:
        return formats.rate(str(value))
    if (field.endswith("_at") or field == "effective_from") and isinstance(value, str) and value:
        return moment(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return formats.plain(value)


def moment(written: str) -> str:
    """`2026-01-01T00:00:00Z` as `1 Jan 2026`, with the time where it is not midnight, in the viewer's zone."""
    try:
        at = dt.datetime.fromisoformat(written)
    except ValueError:
        return written
    if at.tzinfo is None or at.timetz() == dt.time(tzinfo=dt.UTC):
        return formats.day(at)
    return formats.day_and_time(timezone.localtime(at))


def _chain(targets: Sequence[Mapping[str, Any]]) -> str:
    """The models in their order, with weights where they differ, and parameters of their own."""
    weights = {target.get("weight", 1) for target in targets}
    return " → ".join(_target(target, shows_weight=len(weights) > 1) for target in targets) or "none"


def _target(target: Mapping[str, Any], *, shows_weight: bool) -> str:
    notes = [f"weight {target.get('weight', 1)}"] if shows_weight else []
    if target.get("params"):
        notes.append(formats.plain(target["params"]))
    return f"{target.get('model', '')} ({', '.join(notes)})" if notes else str(target.get("model", ""))
