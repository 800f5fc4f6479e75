import datetime as dt
import uuid
from decimal import Decimal

import pytest

from llmadmin.accounts.actors import command_actor
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import entries, entries_of
from llmadmin.audit.services import acting, current_act, current_actor, note, note_now, write
from llmadmin.audit.state import changed_fields, json_ready, state_of
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.core.redaction import hide


def test_a_note_outside_of_an_act_is_a_mistake_of_ours():
    with pytest.raises(RuntimeError, match=r"config\.change"):
        note("create", "provider", "openai")


def test_nothing_is_written_until_the_change_ends(actor):
    with acting(actor, why="new vendor") as act:
        note("create", "provider", "openai", after={"slug": "openai"})

        assert not AuditEntry.objects.exists()
        write(act.notes, version=7)

    entry = AuditEntry.objects.get()
    assert (entry.actor_kind, entry.actor_label, entry.person_id) == ("person", "owner@example.com", actor.person_id)
    assert (entry.action, entry.object_type, entry.object_name) == ("create", "provider", "openai")
    assert (entry.before, entry.after) == (None, {"slug": "openai"})
    assert (entry.why, entry.version, entry.was_refused) == ("new vendor", 7, False)


def test_many_notes_are_written_with_one_statement(actor, django_assert_num_queries):
    with acting(actor) as act:
        for number in range(50):
            note("create", "model", f"m{number}", after={})

        with django_assert_num_queries(1):
            write(act.notes)


def test_an_update_keeps_only_what_differs(actor):
    with acting(actor) as act:
        note(
            "update",
            "provider",
            "openai",
            before={"label": "A", "enabled": True},
            after={"label": "B", "enabled": True},
        )

    assert (act.notes[0].before, act.notes[0].after) == ({"label": "A"}, {"label": "B"})


def test_an_update_that_changed_nothing_leaves_no_note(actor):
    with acting(actor) as act:
        note("update", "provider", "openai", before={"label": "A"}, after={"label": "A"})

    assert act.notes == []


def test_an_inner_act_ends_where_it_began(actor):
    with acting(actor):
        with acting(command_actor()):
            assert current_actor().kind == "command"
        assert current_actor() is actor
    assert current_act() is None


def test_g09_an_entry_holds_no_secret_wherever_it_was_put(actor):
    hide("plaintext of a key")
    with acting(actor, why="because plaintext of a key leaked") as act:
        note(
            "update",
            "key",
            "openai/plaintext of a key",
            before={"headers": {"a": ["plaintext of a key"]}},
            after={"api_key": "any shape"},
        )
        write(act.notes)
    note_now(actor, "reveal", "key", "x", after={"note": "plaintext of a key"}, why="plaintext of a key")

    rows = str(list(AuditEntry.objects.values()))
    assert "plaintext of a key" not in rows
    assert "any shape" not in rows
    assert rows.count("[redacted]") >= 6


def test_texts_that_are_too_long_are_cut_rather_than_refused(actor):
    with acting(actor, why="w" * 600) as act:
        note("create", "model", "n" * 400, after={})
        write(act.notes)

    entry = AuditEntry.objects.get()
    assert (len(entry.why), len(entry.object_name)) == (500, 300)


def test_a_refusal_is_marked_as_one(actor):
    note_now(actor, "delete", "provider", "openai", was_refused=True, why="in use")

    assert entries(was_refused=True).get().why == "in use"


def test_a_state_is_ready_for_json_and_leaves_bookkeeping_out():
    provider = Provider(slug="openai", kind="openai")
    price = Price(
        model=LanguageModel(provider=provider, name="gpt"),
        effective_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        input_usd_per_mtok=Decimal("0.400000000000"),
        output_usd_per_mtok=Decimal(100),
    )

    assert state_of(price) == {
        "source": "ui",
        "model": "openai/gpt",
        "effective_from": "2026-01-01T00:00:00Z",
        "input_usd_per_mtok": "0.4",
        "cached_input_usd_per_mtok": None,
        "cache_write_usd_per_mtok": None,
        "output_usd_per_mtok": "100",
        "reasoning_usd_per_mtok": None,
        "tiers": [],
    }


def test_values_of_all_kinds_become_json():
    one = uuid.uuid4()

    assert json_ready({"a": {3, 1}, "b": one, "c": dt.date(2026, 1, 2), "d": b"four", "e": (None, True)}) == {
        "a": [1, 3],
        "b": str(one),
        "c": "2026-01-02",
        "d": "4 bytes",
        "e": [None, True],
    }


def test_fields_that_come_and_go_count_as_changed():
    before, after = changed_fields({"gone": 1, "same": 2}, {"same": 2, "new": None})

    assert (before, after) == ({"gone": 1}, {"new": None})


def test_the_history_of_one_object_is_newest_first(actor):
    for action in ("create", "update", "delete"):
        note_now(actor, action, "alias", "fast")
    note_now(actor, "create", "alias", "other")

    assert [entry.action for entry in entries_of("alias", "fast")] == ["delete", "update", "create"]


def test_an_entry_stays_when_its_person_goes(actor, owner):
    note_now(actor, "create", "alias", "fast")

    owner.delete()

    entry = entries().get()
    assert (entry.person, entry.actor_label) == (None, "owner@example.com")
