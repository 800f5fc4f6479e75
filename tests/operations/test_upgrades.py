"""G17: migrations only add, and a database of the first version keeps every value of every table on its way to this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelOptions,
    CreateModel,
    RemoveConstraint,
    RemoveIndex,
    RunPython,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field
from django.db.models.fields import NOT_PROVIDED

ROOT = Path(__file__).parents[2]
OURS = sorted(app.label for app in apps.get_app_configs() if app.name.startswith("llmadmin."))
ADDS = (AddConstraint, AddIndex, AlterModelOptions, CreateModel, RemoveConstraint, RemoveIndex, RunPython)


def later_migrations() -> list[Any]:
    loader = MigrationLoader(None)
    found = [(key, one) for key, one in loader.disk_migrations.items() if key[0] in OURS and not one.initial]
    return [pytest.param(one, id=f"{app}.{name}") for (app, name), one in sorted(found, key=lambda item: item[0])]


def state_before(migration: Migration) -> ProjectState:
    loader = MigrationLoader(None)
    state: ProjectState = loader.project_state((migration.app_label, migration.name), at_end=False)
    return state


@pytest.mark.parametrize("migration", later_migrations())
def test_g17_a_migration_only_adds(migration: Migration) -> None:
    state = state_before(migration)

    for operation in migration.operations:
        assert objection_to(operation, migration.app_label, state) == "", f"{operation.describe()}"
        operation.state_forwards(migration.app_label, state)


@pytest.mark.parametrize(
    "taken", ["RemoveField", "DeleteModel", "RenameField", "RenameModel", "AlterModelTable", "RunSQL"]
)
def test_g17_an_operation_that_takes_away_is_found(taken: str) -> None:
    from django.db.migrations import operations

    operation = getattr(operations, taken).__new__(getattr(operations, taken))

    assert objection_to(operation, "catalog", ProjectState()) != ""


def objection_to(operation: Operation, app: str, state: ProjectState) -> str:
    """Why the operation could lose something, or stop a server that still runs the version before; "" where it can't."""
    match operation:
        case AddField():
            return "" if _can_be_left_out(operation.field) else "an added column needs a default, or null"
        case AlterField():
            old = state.models[app, operation.model_name_lower].fields[operation.name]
            return _narrowing(old, operation.field)
        case _ if isinstance(operation, ADDS):
            return ""
    return "it takes something away"


def _can_be_left_out(field: Field[Any, Any]) -> bool:
    is_empty_text = field.blank and field.empty_strings_allowed
    return bool(
        field.null or is_empty_text or field.has_default() or field.db_default is not NOT_PROVIDED or field.many_to_many
    )


def _narrowing(old: Field[Any, Any], new: Field[Any, Any]) -> str:
    if old.get_internal_type() != new.get_internal_type():
        return f"it makes {new.get_internal_type()} of {old.get_internal_type()}"
    if old.null and not new.null:
        return "it no longer allows null"
    if (new.max_length or 0) < (old.max_length or 0):
        return "it makes the column shorter"
    return ""


def in_process(folder: Path, act: str) -> Any:
    """Run a step of `upgrades.py` against a database of its own, as another version's process would."""
    environ = {**os.environ, "LLMADMIN_DATA_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": ""}
    environ |= {"DJANGO_SETTINGS_MODULE": "llmadmin.settings", "LLMADMIN_ENV": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("upgrading.py")), act]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_g17_every_value_of_the_first_version_is_there_after_the_upgrade(tmp_path: Path) -> None:
    before = in_process(tmp_path, "first")

    after = in_process(tmp_path, "upgrade")

    assert len(before) > 20
    assert all(rows for rows in before.values()), [table for table, rows in before.items() if not rows]
    for table, rows in before.items():
        kept = [{name: row.get(name, "gone") for name in rows[0]} for row in after[table]]
        assert kept == rows, table
