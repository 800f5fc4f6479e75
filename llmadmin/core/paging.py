"""Keyset pages: as quick on the last page as on the first, whatever the table's size."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q, QuerySet

from llmadmin.core.errors import InvalidError

Row = TypeVar("Row", bound=Model)
MAX_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in order, and the cursors of the pages around them (None where there is none)."""

    rows: list[Row]
    next_cursor: str | None
    previous_cursor: str | None


def keyset_page(
    queryset: QuerySet[Row], *, order: Sequence[str], cursor: str | None = None, size: int = 100
) -> Page[Row]:
    """The page of `size` rows at `cursor`.

    `order` names fields as `order_by` does ("-started_at", "provider__slug"); together they must be unique and never null.
    A cursor is opaque: the order's values of the row at the page's edge, and the direction. It is not signed, since it only
    says where to begin in rows that `queryset` allows anyway. Raises InvalidError for one that is not ours.
    """
    size = max(1, min(size, MAX_SIZE))
    fields = [_Key.of(queryset.model, name) for name in order]
    backward, edge = _read(cursor, fields) if cursor else (False, None)
    direction = [(field, field.descending != backward) for field in fields]
    rows = queryset.order_by(*(f"{'-' if descending else ''}{field.path}" for field, descending in direction))
    if edge is not None:
        rows = rows.filter(_beyond(direction, edge))
    found = list(rows[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    if backward:
        found.reverse()
    has_next, has_previous = (edge is not None, has_more) if backward else (has_more, edge is not None)
    return Page(
        rows=found,
        next_cursor=_written(found[-1], fields, backward=False) if found and has_next else None,
        previous_cursor=_written(found[0], fields, backward=True) if found and has_previous else None,
    )


@dataclass(frozen=True, slots=True)
class _Key:
    path: str
    descending: bool
    field: Field[Any, Any]

    @classmethod
    def of(cls, model: type[Model], name: str) -> _Key:
        path = name.lstrip("-")
        field: Any = None
        owner: Any = model
        for part in path.split("__"):
            try:
                field = owner._meta.pk if part == "pk" else owner._meta.get_field(part)
            except FieldDoesNotExist:
                raise ValueError(f"{model.__name__} has no field {path!r} to order by.") from None
            owner = field.related_model
        return cls(path, name.startswith("-"), field)

    def value_of(self, row: Model) -> Any:
        value: Any = row
        for part in self.path.split("__"):
            value = getattr(value, part)
        return value.pk if isinstance(value, Model) else value


def _beyond(direction: Sequence[tuple[_Key, bool]], edge: Sequence[Any]) -> Q:
    """Rows after the edge: (a > x) or (a = x and b > y) or …, with an outer bound on the first so that an index serves it."""
    first, first_descending = direction[0]
    condition = Q()
    same = Q()
    for (field, descending), value in zip(direction, edge, strict=True):
        condition |= same & Q(**{f"{field.path}__{'lt' if descending else 'gt'}": value})
        same &= Q(**{field.path: value})
    return Q(**{f"{first.path}__{'lte' if first_descending else 'gte'}": edge[0]}) & condition


def _written(row: Model, fields: Sequence[_Key], *, backward: bool) -> str:
    values = [_plain(field.value_of(row)) for field in fields]
    text = json.dumps([int(backward), *values], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID | Decimal) else value


def _read(cursor: str, fields: Sequence[_Key]) -> tuple[bool, list[Any]]:
    try:
        content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        backward, *values = content
        if (
            backward not in (0, 1)
            or len(values) != len(fields)
            or any(one is None or isinstance(one, list | dict) for one in values)
        ):
            raise ValueError("not the cursor of this list")
        return bool(backward), [_given(key, value) for key, value in zip(fields, values, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error, ValidationError):
        raise InvalidError.of(cursor="This cursor does not belong to this list. Begin again without one.") from None


def _given(key: _Key, value: Any) -> Any:
    """The value as the database takes it. Raises ValueError, OverflowError, ValidationError for what it can't hold."""
    if isinstance(value, str):
        value.encode()
        if "\x00" in value:
            raise ValueError("no database keeps NUL")
    found = key.field.to_python(value)
    return found.astimezone(dt.UTC) if isinstance(found, dt.datetime) and found.tzinfo else found
