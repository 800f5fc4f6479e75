"""Entries stay as they were written: in the code, and in the database where the code is walked around."""

import datetime as dt

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from llmadmin.accounts.actors import system_actor
from llmadmin.audit.models import AuditEntry, Pruning
from llmadmin.audit.pruning import LEAST_DAYS, prune_entries
from llmadmin.audit.selectors import entries
from llmadmin.audit.services import note_now
from llmadmin.core.errors import InvalidError

TABLE = AuditEntry._meta.db_table
COLUMNS = [field.column for field in AuditEntry._meta.concrete_fields]


@pytest.fixture
def entry(actor):
    note_now(actor, "delete", "provider", "openai", after={"slug": "openai"}, why="no longer needed")
    return AuditEntry.objects.get()


@pytest.fixture
def age(actor):
    """Write an entry as it was written so many days ago."""

    def written(days, name="old"):
        with time_machine.travel(timezone.now() - dt.timedelta(days=days), tick=False):
            note_now(actor, "update", "alias", name)

    return written


def _execute(sql, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@transaction.atomic
def _delete_all_with_leave_for(days):
    Pruning.objects.create(older_than=timezone.now() - dt.timedelta(days=days))
    QuerySet(AuditEntry).delete()


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "id"])
def test_the_database_refuses_to_change_a_column(entry, column):
    other = {"person_id": entry.person_id, "was_refused": True, "version": 9, "at": "2020-01-01 00:00:00+00:00"}
    other |= {"ip_address": "10.0.0.1", "before": "{}", "after": "{}"}
    as_written = AuditEntry.objects.values().get()

    with pytest.raises(IntegrityError, match="stay as they were written"):
        _execute(f"UPDATE {TABLE} SET {connection.ops.quote_name(column)} = %s", other.get(column, "x"))

    assert AuditEntry.objects.values().get() == as_written


def test_the_database_refuses_another_number_for_an_entry(entry):
    with pytest.raises(IntegrityError, match="stay as they were written"):
        _execute(f"UPDATE {TABLE} SET id = id + 1000")


def test_the_database_refuses_to_delete(entry):
    with pytest.raises(IntegrityError, match="stay as they were written"):
        _execute(f"DELETE FROM {TABLE}")

    assert AuditEntry.objects.exists()


def test_the_database_refuses_to_put_another_entry_in_the_place_of_one(entry):
    if connection.vendor == "postgresql":
        with pytest.raises(IntegrityError, match="stay as they were written"):
            _execute(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {TABLE}")
    else:
        with pytest.raises(IntegrityError, match="stay as they were written"):
            _execute(f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE}")

    assert AuditEntry.objects.get().why == "no longer needed"


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda entry: entry.delete(), id="delete one"),
        pytest.param(lambda entry: entry.save(), id="save one"),
        pytest.param(lambda _: AuditEntry.objects.all().delete(), id="delete many"),
        pytest.param(lambda _: AuditEntry.objects.update(why=""), id="update many"),
        pytest.param(lambda entry: AuditEntry.objects.bulk_update([entry], ["why"]), id="bulk update"),
    ],
)
def test_the_code_has_no_way_to_change_an_entry(entry, act):
    with pytest.raises(TypeError, match="stay as they were written"):
        act(entry)


def test_retention_takes_what_is_old_and_says_so(age, actor):
    age(100)
    age(91)
    age(89, "young")

    gone = prune_entries(older_than=timezone.now() - dt.timedelta(days=90), by=system_actor("retention"))

    assert gone == 2
    pruned, kept = entries()
    assert (kept.object_name, kept.action) == ("young", "update")
    assert (pruned.actor_label, pruned.action, pruned.after["entries"]) == ("retention", "prune", 2)
    assert not Pruning.objects.exists()


def test_retention_that_finds_nothing_leaves_no_entry(age):
    age(40)

    assert prune_entries(older_than=timezone.now() - dt.timedelta(days=90), by=system_actor("retention")) == 0
    assert entries().count() == 1


def test_retention_can_not_be_turned_against_what_just_happened(age):
    age(LEAST_DAYS - 1)

    with pytest.raises(InvalidError, match="30 days at least"):
        prune_entries(older_than=timezone.now() - dt.timedelta(days=LEAST_DAYS - 1), by=system_actor("retention"))


def test_the_leave_to_prune_covers_nothing_younger(age):
    age(100)
    age(10, "young")

    with pytest.raises(IntegrityError, match="stay as they were written"):
        _delete_all_with_leave_for(90)

    assert entries().count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_product_has_no_command_that_empties_the_log(entry):
    from django.core.management.commands.flush import Command

    with pytest.raises(Exception, match="flush"):
        call_command(Command(), interactive=False, verbosity=0)

    assert AuditEntry.objects.exists()
