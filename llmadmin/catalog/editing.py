"""The steps that every change of a configuration row shares: lock, compare, write, note, and refuse what others need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import models
from django.db.models import ProtectedError

from llmadmin.audit.services import note
from llmadmin.audit.state import changed_fields, state_of
from llmadmin.catalog.ownership import require_own
from llmadmin.core.errors import ConflictError, InUseError, MissingError, StaleError
from llmadmin.core.fields import ConfigRow

MAX_NAMED_DEPENDENTS = 12
Row = TypeVar("Row", bound=ConfigRow)


def locked(row: Row, *, noun: str, expected_revision: int | None, related: Iterable[str] = ()) -> Row:
    """The row as it is now, locked to the end of the transaction.

    Raises MissingError when it is gone, StaleError when its revision is no longer `expected_revision`.
    """
    rows = type(row)._default_manager.select_for_update(of=("self",)).select_related(*related)
    current: Row | None = rows.filter(pk=row.pk).first()
    if current is None:
        raise MissingError(f"The {noun} '{row}' does not exist any more.")
    if expected_revision is not None and current.revision != expected_revision:
        raise StaleError(
            f"Someone changed the {noun} '{current}' since you read it (it is at revision {current.revision}, you have "
            f"{expected_revision}). Load it again and repeat your change."
        )
    return current


def require_free(rows: models.QuerySet[Any], *, noun: str, field: str, value: str) -> None:
    """Raise ConflictError when one of `rows` is there: the name is taken."""
    if rows.exists():
        sentence = f"The {noun} '{value}' exists already. Choose another {field}."
        raise ConflictError(sentence, fields={field: sentence})


def add(row: ConfigRow, *, noun: str, extra: Mapping[str, Any] | None = None) -> None:
    """Insert and note. `extra` is what the audit entry shows beside the row's own fields."""
    row.save(force_insert=True)
    note("create", noun, str(row), after={**state_of(row), **(extra or {})})


def differing(row: ConfigRow, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that the row does not have yet. In JSON, 1 is not true."""
    return {name: value for name, value in values.items() if not _is_same(getattr(row, name), value)}


def _is_same(held: Any, value: Any) -> bool:
    if isinstance(value, dict | list):
        return held == value and json.dumps(held, sort_keys=True) == json.dumps(value, sort_keys=True)
    return bool(held == value)


def write(
    row: ConfigRow,
    values: Mapping[str, Any],
    *,
    noun: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Set `values`, move the revision on, and note what differs; `before` and `after` add what stands in other tables.

    Raises OwnedError for what belongs to a config file.
    """
    require_own(row, noun=noun, fields={*values, *changed_fields(before, after)[1]})
    state = {**state_of(row), **(before or {})}
    called = str(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.revision += 1
    row.save(update_fields=[*values, "revision", "updated_at"])
    note("update", noun, called, before=state, after={**state_of(row), **(after or {})})


def remove(row: ConfigRow, *, noun: str, extra: Mapping[str, Any] | None = None) -> None:
    """Delete and note. Raises InUseError, naming what still needs the row, OwnedError."""
    require_own(row, noun=noun)
    called, state = str(row), {**state_of(row), **(extra or {})}
    try:
        row.delete()
    except ProtectedError as refusal:
        raise in_use(noun, called, [dependent_name(one) for one in refusal.protected_objects]) from None
    note("delete", noun, called, before=state)


def in_use(noun: str, called: str, dependents: Iterable[str]) -> InUseError:
    names = sorted(set(dependents))
    shown = ", ".join(names[:MAX_NAMED_DEPENDENTS])
    more = f" and {len(names) - MAX_NAMED_DEPENDENTS} more" if len(names) > MAX_NAMED_DEPENDENTS else ""
    return InUseError(
        f"The {noun} '{called}' is still used by {shown}{more}. Change or delete those first.", dependents=names
    )


def dependent_name(row: models.Model) -> str:
    """How a row is named to somebody whose change it stands in the way of: `alias fast`, `API key openai prod …1234`."""
    return str(getattr(row, "dependent_name", "") or f"{row._meta.verbose_name} {row}")
