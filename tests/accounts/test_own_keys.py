"""Keys of a developer's own."""

import pytest
import time_machine
from django.utils import timezone

from llmadmin.accounts.models import Service
from llmadmin.accounts.permissions import OWN_KEYS
from llmadmin.accounts.personal_keys import MOST_KEYS, issue_own_key, keys_of, revoke_own_key
from llmadmin.accounts.selectors import admission_of
from llmadmin.accounts.services import hash_of, issue_key, rotate_service_key, update_service
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError


@pytest.fixture
def issue(change_by):
    def made(person, *, label="laptop", days=30):
        with change_by(person, permission=OWN_KEYS):
            return issue_own_key(person, label=label, days=days)

    return made


def test_an_own_key_calls_models_and_never_administers(editor, issue):
    _, plaintext = issue(editor)

    row = admission_of(hash_of(plaintext))

    assert (row.service_name, row.scopes) == ("editor-own", {"config:read", "usage:write", "gateway:call"})


def test_all_keys_of_a_person_stand_under_one_name(editor, issue):
    issue(editor)
    issue(editor, label="notebook")

    assert Service.objects.get(person=editor).keys.count() == 2


def test_two_people_with_the_same_local_part_have_names_of_their_own(owner, editor, issue):
    editor.email = "owner@other.example"
    editor.save()

    names = {issue(owner)[0].service.name, issue(editor)[0].service.name}

    assert names == {"owner-own", "owner-own-2"}


def test_a_viewer_holds_none(viewer, change_by):
    with pytest.raises(ForbiddenError), change_by(viewer, permission="config.view"):
        issue_own_key(viewer, label="laptop", days=30)


def test_nobody_issues_keys_for_someone_else(owner, editor, change_by):
    with pytest.raises(ForbiddenError, match="themselves"), change_by(owner, permission=OWN_KEYS):
        issue_own_key(editor, label="laptop", days=30)


def test_an_own_key_ends_by_itself(editor, issue):
    _, plaintext = issue(editor, days=7)

    with time_machine.travel(timezone.now() + timezone.timedelta(days=7, minutes=1)):
        assert admission_of(hash_of(plaintext)) is None


def test_a_revoked_own_key_opens_nothing(editor, issue, change_by):
    key, plaintext = issue(editor)

    with change_by(editor, permission=OWN_KEYS):
        revoke_own_key(editor, key.pk)

    assert admission_of(hash_of(plaintext)) is None


def test_someone_else_s_key_is_not_found(owner, editor, issue, change_by):
    key, _ = issue(editor)

    with pytest.raises(MissingError), change_by(owner, permission=OWN_KEYS):
        revoke_own_key(owner, key.pk)


@pytest.mark.parametrize(("label", "days"), [("", 30), ("x" * 121, 30), ("laptop", 0), ("laptop", 10_000)])
def test_a_key_has_a_purpose_and_an_end(editor, issue, label, days):
    with pytest.raises(InvalidError):
        issue(editor, label=label, days=days)


def test_nobody_hoards_keys(editor, issue):
    for _ in range(MOST_KEYS):
        issue(editor)

    with pytest.raises(ConflictError, match="Revoke one"):
        issue(editor)


def test_admins_can_not_widen_what_a_person_s_keys_may_do(owner, editor, issue, change_by):
    key, _ = issue(editor)
    service = key.service

    for act in (
        lambda: update_service(service, scopes=["admin"]),
        lambda: issue_key(service),
        lambda: rotate_service_key(key),
    ):
        with pytest.raises(ConflictError, match="person"), change_by(owner, permission="services.manage"):
            act()
    assert keys_of(editor).count() == 1
