"""Entries as rows of the tables: one statement for many, and the truth about which of them were new.

`bulk_create` can't say which rows a conflict left out, so the statement is written here, from the model's own columns.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models

_CHUNK = 500


def insert_new(
    model: type[models.Model],
    values: Sequence[Sequence[Any]],
    *,
    columns: Sequence[str],
    on_conflict: str,
    returning: str,
) -> list[Any]:
    """Insert rows of prepared values and return the `returning` column of those that were taken.

    `on_conflict` is the SQL after ON CONFLICT.
    """
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)  # noqa: SLF001 - Django's documented API
    names = ", ".join(map(quote, columns))
    one = f"({', '.join(['%s'] * len(columns))})"
    taken: list[Any] = []
    with connection.cursor() as cursor:
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            # Only names of our own tables and columns stand in the text; every value is a parameter.
            statement = (
                f"INSERT INTO {table} ({names}) VALUES {', '.join([one] * len(chunk))} "  # noqa: S608
                f"ON CONFLICT {on_conflict} RETURNING {quote(returning)}"
            )
            cursor.execute(statement, [value for row in chunk for value in row])
            taken += [row[0] for row in cursor.fetchall()]
    return taken


def writers_of(model: type[models.Model], names: Iterable[str]) -> list[tuple[str, Callable[[Any], Any]]]:
    """For each field its name and the function that makes a value fit for its column."""
    return [(name, _writer(model._meta.get_field(name))) for name in names]  # noqa: SLF001 - Django's documented API


def _writer(field: Any) -> Callable[[Any], Any]:
    if isinstance(field, models.CharField):
        return lambda value: fitting_text(value, field.max_length)
    if isinstance(field, models.JSONField):
        return lambda value: field.get_db_prep_save(fitting_json(value), connection)
    if isinstance(field, models.FloatField):
        return lambda value: _fitting_float(value, is_nullable=field.null)
    if isinstance(field, models.PositiveSmallIntegerField):
        return lambda value: None if value is None else min(max(int(value), 0), 32767)
    if isinstance(field, models.BooleanField):
        return bool
    return lambda value: field.get_db_prep_save(value, connection)


def fitting_text(value: Any, length: int) -> str:
    """Text as the column takes it: cut to its length, without NUL and without halves of surrogate pairs."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if not text.isascii() or "\x00" in text:
        text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    return text[:length]


def fitting_json(value: Any) -> Any:
    """JSON as PostgreSQL takes it, which refuses NUL and halves of surrogate pairs inside strings."""
    text = json.dumps(value, default=str)
    if "\\u0000" not in text and "\\ud" not in text:
        return value
    return _cleaned(json.loads(text))


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
