"""Writing calls to the tables: in bulk, once for each id, with the hours marked that their rollup must learn."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter

from django.db import connection, transaction
from django.utils import timezone

from llmadmin.usage.dimensions import hour_of
from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.models import Attempt, StaleHour, UsageRecord
from llmadmin.usage.rows import Table, as_uuid

_ATTEMPT_NAMES = [
    field.name for field in Attempt._meta.concrete_fields if field.name not in {"id", "record", "position"}
]
_RECORD_NAMES = [field.name for field in UsageRecord._meta.concrete_fields if field.name != "recorded_at"]


@dataclass(frozen=True, slots=True)
class Stored:
    """`accepted` records are in the tables through this call; `duplicates` were there before it."""

    accepted: int
    duplicates: int


def store(entries: Sequence[UsageEntry]) -> Stored:
    """Write entries and their attempts in one transaction.

    Safe to repeat: an id that is known stays as it is, unless the known record is still open, which its service settles
    by sending the same id once more. The counts are true also when two processes store the same entries at once.
    """
    unique = _unique(entries)
    with transaction.atomic():
        accepted = _insert_records(unique)
        taken = [entry for entry in unique if entry.id in accepted]
        _insert_attempts(taken)
        mark_stale(hour_of(entry.started_at) for entry in taken if entry.settlement != "open")
    return Stored(accepted=len(taken), duplicates=len(entries) - len(taken))


def mark_stale(hours: Iterable[datetime]) -> None:
    """Note that the rollups of these hours no longer tell all of their records."""
    now = timezone.now()
    for hour in sorted(set(hours)):
        StaleHour.objects.bulk_create(
            [StaleHour(hour=hour, marked_at=now, mark=secrets.randbits(62))],
            update_conflicts=True,
            unique_fields=["hour"],
            update_fields=["marked_at", "mark"],
        )


def _unique(entries: Sequence[UsageEntry]) -> list[UsageEntry]:
    """One entry for each id, the first that is settled; in the order of ids, so that two writers never wait in a circle."""
    chosen: dict[uuid.UUID, UsageEntry] = {}
    for entry in entries:
        known = chosen.get(entry.id)
        if known is None or (known.settlement == "open" and entry.settlement != "open"):
            chosen[entry.id] = entry
    return [chosen[key] for key in sorted(chosen)]


def _insert_records(entries: Sequence[UsageEntry]) -> set[uuid.UUID]:
    if not entries:
        return set()
    table = _records(connection.vendor)
    read = attrgetter(*_RECORD_NAMES)
    now = timezone.now()
    rows = [table.row([*read(entry), now]) for entry in entries]
    return {as_uuid(key) for key in table.insert(rows, on_conflict=_settles_open_records())}


def _insert_attempts(entries: Sequence[UsageEntry]) -> None:
    with_attempts = [entry for entry in entries if entry.attempts]
    if not with_attempts:
        return
    Attempt.objects.filter(record_id__in=[entry.id for entry in with_attempts]).delete()
    table = _attempts(connection.vendor)
    read = attrgetter(*_ATTEMPT_NAMES)
    table.insert(
        [
            table.row([entry.id, position, *read(attempt)])
            for entry in with_attempts
            for position, attempt in enumerate(entry.attempts, start=1)
        ]
    )


@cache
def _records(vendor: str) -> Table:
    return Table(UsageRecord, [*_RECORD_NAMES, "recorded_at"], vendor=vendor)


@cache
def _attempts(vendor: str) -> Table:
    return Table(Attempt, ["record", "position", *_ATTEMPT_NAMES], vendor=vendor)


@cache
def _settles_open_records() -> str:
    """The clause that lets a settled record take the place of the open one with its id, and of no other."""
    quote = connection.ops.quote_name
    table = quote(UsageRecord._meta.db_table)
    changes = ", ".join(
        f"{quote(name)} = EXCLUDED.{quote(name)}" for name in [*_RECORD_NAMES, "recorded_at"] if name != "id"
    )
    return (
        f"({quote('id')}) DO UPDATE SET {changes} WHERE {table}.settlement = 'open' AND EXCLUDED.settlement <> 'open' "
        f"AND {table}.service = EXCLUDED.service"
    )
