"""The steps of an upgrade, each in a process of its own: `first` makes a database of the first version with a row in every
table, `upgrade` brings it up to date as the server does. Both print every table's rows.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from collections.abc import Callable
from typing import Any

import django
from django.db import connection, models

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
OWN: dict[str, dict[str, Any]] = {
    "defaultmodel": {"model": None},
    "price": {"input_usd_per_mtok": "1"},
    "target": {"weight": 1},
    "apikey": {"weight": 1, "state": "active"},
}
"""What the tables' own rules ask for, where a made-up value would break them."""


def main(act: str) -> None:
    django.setup()
    if act == "first":
        fill(first_version())
    else:
        from llmadmin.operations.schema import bring_up_to_date, schema_state

        assert bring_up_to_date() > 0
        assert schema_state().pending == []
    print(json.dumps(all_rows(), default=str, sort_keys=True))


def first_version() -> Any:
    """Migrate to the first migration of each of our apps, the others' all, and return the models of then."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    ours = {app for app, _ in executor.loader.disk_migrations if is_ours(app)}
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in ours]
    targets += [(app, "0001_initial") for app in sorted(ours)]
    executor.migrate([node for node in targets if needs_no_later(executor, node, ours)])
    return executor.loader.project_state([(app, "0001_initial") for app in sorted(ours)]).apps


def needs_no_later(executor: Any, node: tuple[str, str], ours: set[str]) -> bool:
    """Whether reaching the node needs no later migration of ours."""
    return all(name == "0001_initial" for app, name in executor.loader.graph.forwards_plan(node) if app in ours)


def is_ours(app: str) -> bool:
    from django.apps import apps

    return apps.get_app_config(app).name.startswith("llmadmin.")


def fill(then: Any) -> None:
    made: dict[type[models.Model], models.Model] = {}
    for model in then.get_models():
        if is_ours(model._meta.app_label):
            row_of(model, made)


def row_of(model: Any, made: dict[Any, Any]) -> Any:
    if model not in made:
        own = OWN.get(model._meta.model_name, {})
        values = {
            field.name: own[field.name] if field.name in own else value_for(field, made)
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField) or field.name in own
        }
        made[model] = model._default_manager.create(**values)
    return made[model]


def value_for(field: Any, made: dict[Any, Any]) -> Any:
    """A value that is not the field's default, so that a column that is made anew is noticed."""
    if field.remote_field:
        return None if field.related_model is field.model else row_of(field.related_model, made)
    if field.primary_key and field.has_default():
        return field.get_default()
    if field.choices:
        return field.choices[-1][0]
    kind = field.get_internal_type()
    if kind in _TEXTS:
        return f"{field.name}-of-then"[: field.max_length or 40]
    return _MADE_UP.get(kind, lambda _: 3)(field)


_TEXTS = ("CharField", "TextField", "SlugField", "EmailField")
_MADE_UP: dict[str, Callable[[Any], Any]] = {
    "BooleanField": lambda field: not field.default if isinstance(field.default, bool) else True,
    "DateTimeField": lambda _: NOW,
    "DateField": lambda _: NOW.date(),
    "UUIDField": lambda field: uuid.uuid5(uuid.NAMESPACE_URL, f"{field.model._meta.label}.{field.name}"),
    "JSONField": lambda field: [] if field.default is list else {},
    "BinaryField": lambda _: b"\x01\x02",
    "DecimalField": lambda _: 2,
    "FloatField": lambda _: 2,
    "GenericIPAddressField": lambda _: "127.0.0.1",
}


def all_rows() -> dict[str, list[dict[str, Any]]]:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not is_ours_table(table):
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            found[table] = [
                {name: repr(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()
            ]
    return found


def is_ours_table(table: str) -> bool:
    from django.apps import apps

    prefixes = tuple(f"{app.label}_" for app in apps.get_app_configs() if app.name.startswith("llmadmin."))
    return table.startswith(prefixes) and not table.endswith(("_groups", "_user_permissions"))


if __name__ == "__main__":
    main(sys.argv[1])
