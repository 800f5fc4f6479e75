"""Is the database's schema the one that this code knows?"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class UnknownSchemaError(Exception):
    """The database was migrated by a newer llmadmin; the message says what to do."""


@dataclass(frozen=True)
class SchemaState:
    """What is applied but not known here, and what is known but not applied; both as `app.name`."""

    unknown: list[str]
    pending: list[str]


def schema_state() -> SchemaState:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    installed = loader.migrated_apps
    unknown = [
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in installed and (app, name) not in loader.disk_migrations
    ]
    pending = [f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(loader.graph.leaf_nodes())]
    return SchemaState(sorted(unknown), pending)


def bring_up_to_date(*, verbosity: int = 0) -> int:
    """Apply what is pending and return how many migrations that were. Refuses a schema from a newer version."""
    state = schema_state()
    if state.unknown:
        raise UnknownSchemaError(
            f"The database was migrated by a newer llmadmin: it has {', '.join(state.unknown[:3])}, which this version does not "
            "know. Start the newer version, or restore a backup made with this one."
        )
    if state.pending:
        call_command("migrate", interactive=False, verbosity=verbosity)
    return len(state.pending)
