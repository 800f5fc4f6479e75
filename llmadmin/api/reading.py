"""What a body and its headers say, as far as its shape goes; what the values may be is checked by the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from llmadmin.api.fields import AnyObject, MoneyText, Texts, TextsByName
from llmadmin.api.views import shown_name
from llmadmin.catalog.fields import FieldError, moment
from llmadmin.core.errors import InvalidError, StaleError
from llmadmin.core.fields import ConfigRow

Field = serializers.Field[Any, Any, Any, Any]
MAX_ETAGS = 20
_NEEDED = "Is needed."


def given_fields(serializer: serializers.BaseSerializer[Any], data: Any, *, fill: bool = False) -> dict[str, Any]:
    """The writable fields of a body, each of its declared type. Read-only ones may come along, as they do when an object
    is sent back; unknown ones are refused.

    With `fill`, as PUT means it, a missing field takes its default and a missing required one is an error.
    """
    if isinstance(data, QueryDict) or not isinstance(data, Mapping):
        raise InvalidError("Send a JSON object.", fields={"body": "Send a JSON object."})
    known: Mapping[str, Field] = serializer.fields  # type: ignore[attr-defined]
    _refuse_unknown(data, known)
    given = {name: data[name] for name, field in known.items() if name in data and not field.read_only}
    problems = {name: sentence for name in given if (sentence := type_problem(known[name], given[name]))}
    must_be_whole = fill or serializer.context["view"].action == "create"
    for name, field in known.items():
        if field.read_only or name in given:
            continue
        if field.required and must_be_whole:
            problems[name] = _NEEDED
        elif fill and field.default is not empty:
            given[name] = field.default() if callable(field.default) else field.default
    if problems:
        sentences = " ".join(f"{name}: {sentence}" for name, sentence in problems.items())
        raise InvalidError(sentences, fields=problems)
    return given


def _refuse_unknown(data: Mapping[Any, Any], known: Mapping[str, Field]) -> None:
    unknown = sorted(shown_name(str(name)) for name in data if name not in known)
    if unknown:
        raise InvalidError(
            f"Unknown: {', '.join(unknown[:5])}. The fields are {', '.join(known)}.",
            fields=dict.fromkeys(unknown[:20], "There is no such field."),
        )


def type_problem(field: Field, value: Any) -> str:
    """What is wrong with the value's type, as the OpenAPI document declares it; "" where nothing is."""
    if value is None:
        return "" if field.allow_null else "Can't be null. Leave it out, or give a value."
    for kind, is_right, sentence in _TYPES:
        if isinstance(field, kind):
            return "" if is_right(value) else sentence
    return "" if isinstance(value, str) else "Give text."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_TYPES: tuple[tuple[Any, Callable[[Any], bool], str], ...] = (
    (Texts, _is_list_of_texts, "Give a list of texts."),
    (TextsByName, lambda value: isinstance(value, Mapping), "Give an object of texts."),
    (AnyObject, lambda value: isinstance(value, Mapping), "Give an object."),
    ((serializers.JSONField, serializers.ListSerializer), lambda value: isinstance(value, list), "Give a list."),
    (serializers.BooleanField, lambda value: isinstance(value, bool), "Give true or false."),
    (
        serializers.IntegerField,
        lambda value: _is_number(value) and float(value).is_integer(),
        "Give a whole number.",
    ),
    (serializers.FloatField, _is_number, "Give a number."),
    (
        MoneyText,
        lambda value: isinstance(value, str) or _is_number(value),
        'Give US dollars as text, such as "0.40".',
    ),
)
"""How each kind of field is told from another; what is none of these is text. The framework's own fields are laxer."""


def given_moment(value: Any, *, field: str) -> Any:
    """The moment in UTC that a text gives, None for null. Raises InvalidError at `field`."""
    try:
        return None if value is None else moment(value)
    except (FieldError, OverflowError):
        raise InvalidError.of(**{field: "Give a moment such as 2026-01-31T00:00:00Z."}) from None


def etag_of(row: ConfigRow) -> str:
    return f'"{row.revision}"'


def expected_revision(request: Request, row: ConfigRow) -> int | None:
    """The revision that the row must still have: one that `If-Match` names. None where anything goes.

    Weak ETags count, since a proxy that compresses makes them weak. Raises StaleError where none is of this row.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    named = [one.strip().removeprefix("W/").strip('"') for one in header.split(",")[:MAX_ETAGS]]
    if str(row.revision) in named:
        return row.revision
    numbers = [one for one in named if one.isascii() and one.isdigit() and len(one) < 10]
    if not numbers:
        raise StaleError(
            f"If-Match: {header[:80]} is no ETag of this object. Read it again and send the ETag that comes with it."
        )
    return int(numbers[0])
