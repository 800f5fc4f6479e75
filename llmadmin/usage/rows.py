"""Plain values as rows of the tables: one statement for many, and the truth about which of them were new.

`bulk_create` can't say which rows a conflict left out, and asks Django for every value of every column; a journal that
drains a thousand calls a second can't afford that. So the statement is written here, from the model's own columns.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any

import orjson
from django.db import connection, models

from llmadmin.usage.money import ExactMoneyField, to_picodollars

_CHUNK = 500

Writer = Callable[[Any], Any]


class Table:
    """Some columns of a model's table, and how a value becomes fit for each of them on this database."""

    def __init__(self, model: type[models.Model], names: Iterable[str], *, vendor: str) -> None:
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        quote = connection.ops.quote_name
        self._vendor = vendor
        self._name = quote(model._meta.db_table)
        self._columns = [quote(field.column) for field in fields]
        self._writers = [_writer(field, is_sqlite=vendor == "sqlite") for field in fields]
        self._types = [field.db_type(connection) for field in fields]
        self._primary_key = quote(str(model._meta.pk.column))

    def row(self, values: Iterable[Any]) -> list[Any]:
        """The values, in the order of the columns, as the database takes them; what does not fit is made to."""
        return [write(value) for write, value in zip(self._writers, values, strict=True)]

    def insert(self, rows: Sequence[Sequence[Any]], *, on_conflict: str = "DO NOTHING") -> list[Any]:
        """Insert what `row` made and return the primary keys of the rows that were taken.

        `on_conflict` is the SQL after ON CONFLICT.
        """
        taken: list[Any] = []
        with connection.cursor() as cursor:
            for start in range(0, len(rows), _CHUNK):
                cursor.execute(*self._statement(rows[start : start + _CHUNK], on_conflict))
                taken += [row[0] for row in cursor.fetchall()]
        return taken

    def _statement(self, rows: Sequence[Sequence[Any]], on_conflict: str) -> tuple[str, list[Any]]:
        # Only names of our own tables, columns and types stand in the text; every value is a parameter.
        into = f"INSERT INTO {self._name} ({', '.join(self._columns)})"
        after = f"ON CONFLICT {on_conflict} RETURNING {self._primary_key}"
        if self._vendor == "postgresql":
            # One array a column: psycopg and the server take a tenth of the time that a parameter for each value costs.
            arrays = ", ".join(f"%s::{'text' if kind == 'jsonb' else _bare(kind)}[]" for kind in self._types)
            chosen = ", ".join(
                f"{name}::jsonb" if kind == "jsonb" else name
                for name, kind in zip(self._columns, self._types, strict=True)
            )
            source = f"SELECT {chosen} FROM unnest({arrays}) AS given ({', '.join(self._columns)})"  # noqa: S608
            return f"{into} {source} {after}", [list(column) for column in zip(*rows, strict=True)]
        one = f"({', '.join(['%s'] * len(self._columns))})"
        return f"{into} VALUES {', '.join([one] * len(rows))} {after}", [value for row in rows for value in row]


def _bare(kind: str) -> str:
    """`varchar` of `varchar(63)`."""
    return kind.partition("(")[0]


def _writer(field: Any, *, is_sqlite: bool) -> Writer:
    if isinstance(field, models.CharField):
        length = field.max_length or 0
        if field.null:
            return lambda value: None if value is None else fitting_text(value, length)
        return lambda value: fitting_text(value, length)
    if isinstance(field, models.JSONField):
        return fitting_json
    if isinstance(field, models.FloatField):
        is_nullable = field.null
        return lambda value: _fitting_float(value, is_nullable=is_nullable)
    if isinstance(field, models.PositiveSmallIntegerField):
        return lambda value: None if value is None else min(max(int(value), 0), 32767)
    if not is_sqlite:
        return lambda value: value
    if isinstance(field, ExactMoneyField):
        return lambda value: None if value is None else to_picodollars(value)
    if isinstance(field, models.DateTimeField):
        return lambda value: None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return lambda value: value.hex if isinstance(value, uuid.UUID) else value
    return lambda value: value


def fitting_text(value: Any, length: int) -> str:
    """Text as the column takes it: cut to its length, without NUL and without halves of surrogate pairs."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if not text.isascii() or "\x00" in text:
        text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    return text[:length]


def fitting_json(value: Any) -> str | None:
    """A value as the text of a JSON column, without what PostgreSQL refuses: NUL and halves of surrogate pairs."""
    if value is None:
        return None
    try:
        text = orjson.dumps(value, default=str).decode()
    except TypeError:
        text = ""
    if text and "\\u0000" not in text:
        return text
    return json.dumps(_cleaned(json.loads(json.dumps(value, default=str))))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return fitting_text(value, len(value))
    if isinstance(value, dict):
        return {fitting_text(key, len(key)): _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _fitting_float(value: Any, *, is_nullable: bool) -> float | None:
    if value is None or not math.isfinite(value):
        return None if is_nullable else 0.0
    return float(value)


def as_uuid(value: Any) -> uuid.UUID:
    """An id as a cursor gives it: a UUID on PostgreSQL, 32 hexadecimal digits on SQLite."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
