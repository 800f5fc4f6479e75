"""Backup and restore: every row as JSON lines in one compressed archive, the same for SQLite and PostgreSQL.

The archive holds API keys as ciphertext only. The encryption key is left out on purpose: a backup alone opens nothing,
and a restore without that key can't read the keys. Sessions are left out too.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.sql import InsertQuery
from django.utils import timezone

from llmadmin.core.errors import InvalidError
from llmadmin.core.keyring import KeyRing

FORMAT = 1
BATCH = 500
_LEFT_OUT = {"contenttypes", "sessions", "auth"}
_LEFT_OUT_MODELS = {"accounts.Session"}


def kept_models() -> list[type[models.Model]]:
    """The models that a backup holds, each after those that it points to."""
    found: list[type[models.Model]] = []

    def add(model: type[models.Model]) -> None:
        if model in found or model._meta.app_label in _LEFT_OUT or model._meta.label in _LEFT_OUT_MODELS:
            return
        for field in model._meta.concrete_fields:
            if field.remote_field and field.remote_field.model is not model:
                add(field.remote_field.model)
        found.append(model)

    for model in apps.get_models():
        if model._meta.managed and not model._meta.proxy:
            add(model)
    return found


def write_backup(path: Path) -> dict[str, int]:
    """Write the archive and return the number of rows by model.

    The rows are those of one moment: they are read in one transaction. The file appears whole under its name or not at all.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    counts: dict[str, int] = {}
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as out, _one_moment():
            out.write(json.dumps(_header()) + "\n")
            for model in kept_models():
                label = model._meta.label
                rows = model._default_manager.order_by("pk").iterator(chunk_size=2000)
                counts[label] = _write_rows(out, rows)
            out.write(json.dumps({"end": counts}) + "\n")
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return counts


def _write_rows(out: Any, rows: Iterator[models.Model]) -> int:
    count = 0
    while batch := list(islice(rows, BATCH)):
        serializers.serialize("jsonl", batch, stream=out, cls=_ExactEncoder)
        count += len(batch)
    return count


class _ExactEncoder(DjangoJSONEncoder):
    """Django's own cuts moments to milliseconds, as JavaScript has them."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, dt.datetime) else super().default(o)


def _header() -> dict[str, Any]:
    applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    return {
        "llmadmin_backup": FORMAT,
        "made_at": timezone.now().isoformat(),
        "migrations": applied,
        "encryption_key_id": KeyRing.from_settings().current_key_id,
    }


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction in which every read sees the same rows."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def read_backup(path: Path) -> dict[str, int]:
    """Put an archive's rows into an empty, migrated database and return the number of rows by model; all or nothing."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            _check_header(lines.readline())
            with transaction.atomic():
                counts = _restore_rows(lines)
    except (OSError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise InvalidError(f"{path} is no whole llmadmin backup ({problem}). Nothing was restored.") from problem
    return counts


def _check_header(line: str) -> None:
    header = json.loads(line)
    if not isinstance(header, dict) or header.get("llmadmin_backup") != FORMAT:
        raise InvalidError("This file is no llmadmin backup, or one of a format that this version does not read.")
    unknown = set(header["migrations"]) - {
        f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()
    }
    if unknown:
        raise InvalidError(f"The backup was made by a newer llmadmin ({min(unknown)}). Restore it with that version.")
    occupied = [model._meta.label for model in kept_models() if model._default_manager.exists()]
    if occupied:
        raise InvalidError(
            f"The database is not empty ({occupied[0]} has rows). Restore into a new one: another LLMADMIN_DATA_DIR or DATABASE_URL."
        )


def _restore_rows(lines: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    end: dict[str, int] | None = None
    batch: list[models.Model] = []
    for line in lines:
        if line.startswith('{"end"'):
            end = json.loads(line)["end"]
            continue
        row = next(iter(serializers.deserialize("jsonl", line))).object
        if batch and (type(row) is not type(batch[0]) or len(batch) >= BATCH):
            _insert(batch, counts)
            batch = []
        batch.append(row)
    if batch:
        _insert(batch, counts)
    if end is None or {label: n for label, n in end.items() if n} != counts:
        raise InvalidError("The backup ends too early or lost rows on its way. Nothing was restored.")
    tables = connection.ops.sequence_reset_sql(no_style(), kept_models())
    with connection.cursor() as cursor:
        for statement in tables:
            cursor.execute(statement)
    return counts


def _insert(batch: list[models.Model], counts: dict[str, int]) -> None:
    """Insert rows as they are: a plain `bulk_create` would set `auto_now` times anew."""
    options = type(batch[0])._meta
    size = max(1, 900 // len(options.concrete_fields)) if connection.vendor == "sqlite" else BATCH
    for start in range(0, len(batch), size):
        query = InsertQuery(type(batch[0]))
        query.insert_values(options.concrete_fields, batch[start : start + size], raw=True)
        query.get_compiler(connection=connection).execute_sql()
    counts[options.label] = counts.get(options.label, 0) + len(batch)
