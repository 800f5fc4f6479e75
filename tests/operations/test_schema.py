"""A server knows its schema, or does not start."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from llmadmin.operations.schema import UnknownSchemaError, bring_up_to_date, schema_state

pytestmark = pytest.mark.django_db


def test_a_migrated_database_has_nothing_pending_and_nothing_unknown() -> None:
    state = schema_state()

    assert state.pending == []
    assert state.unknown == []


def test_g17_a_schema_from_a_newer_version_is_refused_by_name() -> None:
    MigrationRecorder(connection).record_applied("catalog", "0999_from_the_future")

    with pytest.raises(UnknownSchemaError, match=r"catalog\.0999_from_the_future.*newer version"):
        bring_up_to_date()


def test_migrations_of_apps_that_are_gone_are_no_reason_to_refuse() -> None:
    MigrationRecorder(connection).record_applied("an_app_of_the_past", "0001_initial")

    assert schema_state().unknown == []
