import datetime as dt
import hashlib

import pytest
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_person, actor_of_service
from llmadmin.accounts.models import Service, ServiceKey
from llmadmin.accounts.selectors import admission_rows, get_service, get_service_key, services
from llmadmin.accounts.services import (
    create_service,
    delete_service,
    issue_key,
    note_keys_used,
    revoke_key,
    rotate_service_key,
    update_service,
)
from llmadmin.audit.services import acting
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError, StaleError
from llmadmin.core.redaction import redact_text


@pytest.fixture
def act(actor):
    with acting(actor) as act:
        yield act


@pytest.fixture
def service(act):
    return create_service(name="shop", scopes=["gateway:call"], aliases=["fast"], team="sales")


def test_g12_a_key_is_kept_as_a_hash_and_shown_once(service, act):
    key, plaintext = issue_key(service, label="prod")

    assert plaintext.startswith("lla_")
    assert len(plaintext) == 4 + 43
    key.refresh_from_db()
    assert key.hash == hashlib.sha256(plaintext.encode()).hexdigest()
    assert key.last4 == plaintext[-4:]
    assert plaintext not in str(list(ServiceKey.objects.values()))
    assert plaintext not in str(act.notes)
    assert redact_text(f"got {plaintext}") == "got [redacted]"


def test_an_admission_row_says_all_that_the_door_needs(service):
    key, _ = issue_key(service)

    (row,) = admission_rows()

    assert (row.hash, row.key_id, row.service_name, row.team) == (key.hash, key.pk, "shop", "sales")
    assert (row.scopes, row.aliases, row.expires_at) == (frozenset({"gateway:call"}), frozenset({"fast"}), None)


def test_only_live_keys_of_enabled_services_are_admitted(act):
    now = timezone.now()
    live, off = (create_service(name=name, scopes=["usage:write"]) for name in ("live", "off"))
    good, _ = issue_key(live, expires_at=now + dt.timedelta(hours=1))
    revoked, _ = issue_key(live)
    revoke_key(revoked)
    expired, _ = issue_key(live)
    ServiceKey.objects.filter(pk=expired.pk).update(expires_at=now - dt.timedelta(seconds=1))
    issue_key(off)
    update_service(off, enabled=False)

    assert [row.key_id for row in admission_rows()] == [good.pk]


def test_g27_admission_is_one_query_whatever_the_number_of_services(act, django_assert_num_queries):
    for number in range(12):
        issue_key(create_service(name=f"s{number}", scopes=["gateway:call"], team=f"t{number}"))

    with django_assert_num_queries(1):
        assert len(admission_rows()) == 12


def test_g12_a_rotated_key_opens_until_its_grace_ends(service):
    old, _ = issue_key(service, label="prod")

    new, plaintext = rotate_service_key(old, grace_s=600)

    old.refresh_from_db()
    assert dt.timedelta(seconds=590) < old.expires_at - timezone.now() <= dt.timedelta(seconds=600)
    assert {row.key_id for row in admission_rows()} == {old.pk, new.pk}
    assert (new.label, new.last4, new.expires_at) == ("prod", plaintext[-4:], None)


def test_a_rotation_without_grace_ends_the_old_key_at_once(service):
    old, _ = issue_key(service)

    new, _ = rotate_service_key(old, grace_s=0)

    assert [row.key_id for row in admission_rows()] == [new.pk]


def test_a_rotation_never_lengthens_the_old_keys_life(service):
    end = timezone.now() + dt.timedelta(minutes=5)
    old, _ = issue_key(service, expires_at=end)

    rotate_service_key(old, grace_s=86400)

    old.refresh_from_db()
    assert old.expires_at == end


def test_a_dead_key_is_not_rotated(service):
    key, _ = issue_key(service)
    revoke_key(key)

    with pytest.raises(ConflictError, match="Issue a new one"):
        rotate_service_key(key)


def test_revoking_twice_changes_nothing(service, act):
    key, _ = issue_key(service)
    revoke_key(key)
    first = get_service_key(key.pk).revoked_at

    revoke_key(key)

    assert get_service_key(key.pk).revoked_at == first
    assert [note.action for note in act.notes].count("revoke") == 1


def test_last_use_moves_forward_only_and_leaves_no_note(service, act):
    key, _ = issue_key(service)
    now, notes = timezone.now(), len(act.notes)

    note_keys_used({key.pk: now})
    note_keys_used({key.pk: now - dt.timedelta(hours=1)})

    key.refresh_from_db()
    assert key.last_used_at == now
    assert len(act.notes) == notes


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "Not A Slug"}, "name"),
        ({"name": ""}, "name"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "admin"}, "scopes"),
        ({"aliases": [3]}, "aliases"),
        ({"team": "No Slug!"}, "team"),
        ({"description": "d" * 301}, "description"),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(act, fields, wrong):
    with pytest.raises(InvalidError) as refusal:
        create_service(**{"name": "shop", "scopes": ["admin"], **fields})

    assert wrong in refusal.value.fields
    assert not Service.objects.filter(name="shop").exists()


def test_a_name_is_taken_once(service):
    with pytest.raises(ConflictError, match="'shop' already"):
        create_service(name="shop", scopes=["admin"])


def test_g16_a_stale_revision_is_refused_and_the_other_save_stays(service):
    update_service(service, expected_revision=1, description="first")

    with pytest.raises(StaleError, match="Load it again"):
        update_service(service, expected_revision=1, description="second")

    assert get_service("shop").description == "first"
    assert get_service("shop").revision == 2


def test_a_save_that_changes_nothing_keeps_the_revision(service, act):
    notes = len(act.notes)

    assert update_service(service, aliases=["fast"]).revision == 1
    assert len(act.notes) == notes


def test_a_deleted_service_takes_its_keys_along(service):
    issue_key(service)

    delete_service(service, expected_revision=1)

    assert admission_rows() == []
    with pytest.raises(MissingError):
        get_service("shop")


def test_the_playgrounds_own_service_can_not_be_touched(act):
    own = Service.objects.create(name="playground", is_internal=True)

    for attempt in (lambda: update_service(own, name="x"), lambda: delete_service(own), lambda: issue_key(own)):
        with pytest.raises(ConflictError, match="itself"):
            attempt()
    assert list(services()) == []


def test_an_editor_may_not_manage_services_even_where_a_face_forgot_to_ask(editor):
    with acting(actor_of_person(editor)), pytest.raises(ForbiddenError):
        create_service(name="shop", scopes=["admin"])


def test_an_admin_key_can_not_hand_out_the_right_to_read_secrets_that_it_lacks(service, act):
    update_service(service, scopes=["secrets:read"])
    key, _ = issue_key(service)
    ci = actor_of_service("ci", scopes=["admin"])

    with acting(ci):
        for attempt in (
            lambda: create_service(name="thief", scopes=["secrets:read"]),
            lambda: issue_key(service),
            lambda: rotate_service_key(key),
        ):
            with pytest.raises(ForbiddenError, match="secrets:read"):
                attempt()
        update_service(service, description="harmless")

    with acting(actor_of_service("ci", scopes=["admin", "secrets:read"])):
        create_service(name="reader", scopes=["secrets:read"])


def test_g27_listing_services_costs_the_same_for_one_as_for_many(act, django_assert_num_queries):
    for number in range(7):
        issue_key(create_service(name=f"s{number}", scopes=["admin"], team="core"))

    with django_assert_num_queries(2):
        for one in services():
            assert one.team.slug
            assert one.keys.all()[0].last4
