"""Indexes for the filters, and triggers that keep entries as they were written (docs/adr/0020-append-only-audit-log.md).

A trigger lets two things pass: the retention job, which says in the table of `Pruning` how old entries must be to go; and the
link to a person that is cut when the person is deleted. SQLite drops a table's triggers when a later migration remakes the table:
such a migration makes them again.
"""

from typing import Any

from django.conf import settings
from django.db import migrations, models

KEPT = (
    *("id", "at", "actor_kind", "actor_label", "action", "object_type", "object_name", "before", "after", "why"),
    *("source", "request_id", "ip_address", "version", "was_refused"),
)
"""Every column but `person_id`."""
_COLUMNS = ", ".join(f'"{name}"' for name in KEPT)
_IS_DUE = "EXISTS (SELECT 1 FROM audit_pruning WHERE OLD.at < older_than)"

SQLITE = (
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE OF {_COLUMNS} ON audit_auditentry
        BEGIN SELECT RAISE(ABORT, 'Audit entries stay as they were written.'); END""",
    """CREATE TRIGGER audit_no_other_person BEFORE UPDATE OF person_id ON audit_auditentry WHEN NEW.person_id IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'Audit entries stay as they were written.'); END""",
    f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_auditentry WHEN NOT {_IS_DUE}
        BEGIN SELECT RAISE(ABORT, 'Audit entries stay as they were written.'); END""",
    # INSERT OR REPLACE deletes without telling the trigger above.
    """CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit_auditentry WHEN EXISTS (SELECT 1 FROM audit_auditentry WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'Audit entries stay as they were written.'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'Audit entries stay as they were written.' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    f"""CREATE FUNCTION audit_stays_unless_due() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF {_IS_DUE} THEN RETURN OLD; END IF;
            RAISE EXCEPTION 'Audit entries stay as they were written.' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE FUNCTION audit_stays_unless_empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM audit_auditentry) THEN RETURN NULL; END IF;
            RAISE EXCEPTION 'Audit entries stay as they were written.' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE OF {_COLUMNS} ON audit_auditentry
        FOR EACH ROW EXECUTE FUNCTION audit_stays()""",
    """CREATE TRIGGER audit_no_other_person BEFORE UPDATE OF person_id ON audit_auditentry
        FOR EACH ROW WHEN (NEW.person_id IS NOT NULL) EXECUTE FUNCTION audit_stays()""",
    """CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_auditentry
        FOR EACH ROW EXECUTE FUNCTION audit_stays_unless_due()""",
    """CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditentry
        FOR EACH STATEMENT EXECUTE FUNCTION audit_stays_unless_empty()""",
)


def guard_entries(_apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def unguard_entries(_apps: Any, schema_editor: Any) -> None:
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    last = "no_truncate" if is_postgresql else "no_replace"
    with schema_editor.connection.cursor() as cursor:
        for name in ("no_update", "no_other_person", "no_delete", last):
            cursor.execute(f"DROP TRIGGER audit_{name}" + (" ON audit_auditentry" if is_postgresql else ""))
        if is_postgresql:
            cursor.execute("DROP FUNCTION audit_stays, audit_stays_unless_due, audit_stays_unless_empty")


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pruning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("older_than", models.DateTimeField()),
            ],
        ),
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-at", "-id"], "verbose_name_plural": "audit entries"},
        ),
        migrations.RemoveIndex(
            model_name="auditentry",
            name="audit_by_object",
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["object_type", "object_name", "at"], name="audit_by_object"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["object_type", "at"], name="audit_by_kind"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["action", "at"], name="audit_by_act"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["actor_label", "at"], name="audit_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["request_id", "at"], name="audit_by_request"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("version__isnull", False)), fields=["version", "at"], name="audit_by_version"
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(condition=models.Q(("was_refused", True)), fields=["at"], name="audit_refused"),
        ),
        migrations.RunPython(guard_entries, unguard_entries),
    ]
