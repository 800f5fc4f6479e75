"""Reading what services report of calls that they made themselves: every field checked, every mistake named."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from llmadmin.usage.dimensions import METERS
from llmadmin.usage.entry import AttemptEntry, UsageEntry
from llmadmin.usage.models import Settlement, Side, Status
from llmadmin.usage.money import to_places
from llmadmin.usage.rows import fitting_text
from providers.errors import ERROR_CLASS_NAMES

MAX_ATTEMPTS = 50
MAX_TAGS = 32
MAX_TAG_KEY = 64
MAX_TAG_TEXT = 256
MAX_COST_USD = Decimal(10_000)
MAX_TOKENS = 10**12
MAX_LATENCY_MS = 7 * 24 * 3600 * 1000.0
FUTURE = timedelta(hours=1)

Reader = Callable[[Any], Any]


class WrongError(Exception):
    """One value can't be taken; the text is the sentence that the caller reads."""


def read_report(payload: Any, *, path: str, mistakes: dict[str, str]) -> UsageEntry | None:
    """The entry that one reported record describes, or None with its mistakes noted under `path` and the field's name.

    `path` is empty or ends in a dot.
    """
    if not isinstance(payload, Mapping):
        mistakes[path.rstrip(".")] = "Send each record as a JSON object."
        return None
    known = len(mistakes)
    values = _read_fields(payload, _RECORD_READERS, required=("model",), path=path, mistakes=mistakes)
    attempts = _read_attempts(payload.get("attempts"), values, path=path, mistakes=mistakes)
    if len(mistakes) > known:
        return None
    entry = UsageEntry(**({"status": Status.OK, "settlement": Settlement.FINAL} | values), origin="reported")
    entry.provider = entry.model.partition("/")[0]
    entry.requested = entry.alias or (f"agent:{entry.agent}" if entry.agent else entry.model)
    entry.attempts = attempts
    targets = [attempt.model for attempt in attempts]
    entry.attempt_count = len(attempts) or 1
    entry.fallback_count = sum(before != after for before, after in pairwise(targets))
    return entry


def _read_fields(
    payload: Mapping[str, Any],
    readers: Mapping[str, Reader],
    *,
    required: tuple[str, ...],
    path: str,
    mistakes: dict[str, str],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in required:
        if name not in payload:
            mistakes[f"{path}{name}"] = "This field is required."
    for name, value in payload.items():
        reader = readers.get(name)
        if reader is None:
            mistakes[f"{path}{fitting_text(name, 64)}"] = (
                f"There is no such field; the fields are {', '.join(sorted(readers))}."
            )
            continue
        try:
            read = reader(value)
        except WrongError as wrong:
            mistakes[f"{path}{name}"] = str(wrong)
            continue
        if read is not _LEFT_OUT:
            values[name] = read
    return values


def _read_attempts(value: Any, record: Mapping[str, Any], *, path: str, mistakes: dict[str, str]) -> list[AttemptEntry]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_ATTEMPTS:
        mistakes[f"{path}attempts"] = f"Send a list of at most {MAX_ATTEMPTS} attempts."
        return []
    attempts = []
    for position, one in enumerate(value):
        here = f"{path}attempts.{position}."
        if not isinstance(one, Mapping):
            mistakes[here.rstrip(".")] = "Send each attempt as a JSON object."
            continue
        fields = _read_fields(one, _ATTEMPT_READERS, required=("model", "status"), path=here, mistakes=mistakes)
        if "model" in fields and "status" in fields:
            fields.setdefault("provider", fields["model"].partition("/")[0])
            fields.setdefault("started_at", record.get("started_at") or timezone.now())
            attempts.append(AttemptEntry(**fields))
    return attempts


_LEFT_OUT = object()
"""What a reader gives for a value that means the same as not sending the field."""


def _text(length: int) -> Reader:
    def read(value: Any) -> Any:
        if value is None:
            return _LEFT_OUT
        if not isinstance(value, str) or len(value) > length:
            raise WrongError(f"Send text of at most {length} characters.")
        _require_plain(value)
        return value

    return read


def _require_plain(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WrongError("Send valid Unicode text; this holds half of a surrogate pair.") from None
    if "\x00" in value:
        raise WrongError("Send text without NUL characters.")


def _choice(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise WrongError(f"Choose one of {', '.join(choices)}.")
        return value

    return read


def _model(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 264 or not all(value.partition("/")[::2]):
        raise WrongError("Write the model as provider/name.")
    _require_plain(value)
    if len(value.partition("/")[0]) > 63:
        raise WrongError("Write the model as provider/name, with a provider of at most 63 characters.")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise WrongError("Write the time as ISO 8601, as in 2026-01-31T12:00:00Z.")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise WrongError("Write a time between 2000 and now.") from None
    if moment.year < 2000 or moment > timezone.now() + FUTURE:
        raise WrongError("Write a time between 2000 and now; this lies outside. Is the clock right, and the zone?")
    return moment


def _id(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise WrongError("Send a UUID.") from None


def _optional(reader: Reader) -> Reader:
    return lambda value: _LEFT_OUT if value is None else reader(value)


def _count(most: int, *, least: int = 0) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise WrongError(f"Send a whole number from {least} to {most}.")
        return value

    return read


def _milliseconds(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_LATENCY_MS or not math.isfinite(value):
        raise WrongError("Send milliseconds as a number from 0 on.")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongError("Send true or false.")
    return value


def _money(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= MAX_COST_USD:
        raise WrongError(
            f'Send US dollars as text, as in "0.0042", from 0 to {MAX_COST_USD}; null where the price is unknown.'
        )
    return to_places(amount)


def _tags(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MAX_TAGS:
        raise WrongError(f"Send an object of at most {MAX_TAGS} tags.")
    for key, one in value.items():
        if not isinstance(key, str) or not 0 < len(key) <= MAX_TAG_KEY:
            raise WrongError(f"A tag's name has 1 to {MAX_TAG_KEY} characters.")
        _require_plain(key)
        _require_tag(key, one)
    return dict(value)


def _require_tag(key: str, value: Any) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TAG_TEXT:
            raise WrongError(f"The tag '{key}' is longer than {MAX_TAG_TEXT} characters.")
        _require_plain(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise WrongError(f"The tag '{key}' is not a finite number.")
    elif not (value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53)):
        raise WrongError(f"The tag '{key}' must be text, a number, true, false or null.")


_ERROR_CLASS = _choice("", *ERROR_CLASS_NAMES)
_RECORD_READERS: dict[str, Reader] = {
    "id": _optional(_id),
    "started_at": _optional(_moment),
    "model": _model,
    "alias": _text(128),
    "agent": _text(128),
    "service": lambda _value: _LEFT_OUT,
    "status": _choice(*Status.values),
    "settlement": _choice(*Settlement.values),
    "user": _text(200),
    "error_class": _optional(_ERROR_CLASS),
    "http_status": _optional(_count(599, least=100)),
    **dict.fromkeys(METERS, _optional(_count(MAX_TOKENS))),
    "cost_usd": _money,
    "latency_ms": _optional(_milliseconds),
    "ttft_ms": _optional(_milliseconds),
    "is_stream": _optional(_flag),
    "side": _optional(_choice(*Side.values)),
    "tags": _tags,
    "attempts": lambda _value: _LEFT_OUT,
}
_ATTEMPT_READERS: dict[str, Reader] = {
    "provider": _text(63),
    "model": _model,
    "key_id": _optional(_id),
    "status": _choice("ok", "error", "cancelled"),
    "upstream_status": _optional(_count(599, least=100)),
    "error_class": _optional(_ERROR_CLASS),
    "started_at": _optional(_moment),
    "latency_ms": _optional(_milliseconds),
}
