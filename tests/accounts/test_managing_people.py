"""Roles, switching off, removal: who may do what to whom, and what ends with it."""

import pytest

from llmadmin.accounts import people
from llmadmin.accounts.models import Session, User
from llmadmin.accounts.permissions import OWN_KEYS
from llmadmin.accounts.personal_keys import issue_own_key
from llmadmin.accounts.selectors import admission_of, sessions_of
from llmadmin.accounts.services import hash_of
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, UnconfirmedError


def _opens(key):
    return admission_of(hash_of(key)) is not None


@pytest.fixture
def editors_key(editor, change_by):
    with change_by(editor, permission=OWN_KEYS):
        _, plaintext = issue_own_key(editor, label="laptop", days=30)
    return plaintext


def test_a_role_changes_with_the_next_request_and_is_noted(owner, viewer, change_by, browser_of):
    browser = browser_of(viewer)
    refused = browser.get("/aliases/-/add/").status_code

    with change_by(owner):
        people.change_role(viewer, "editor")

    assert (refused, browser.get("/aliases/-/add/").status_code) == (403, 200)
    entry = entries(action="update", object_type="person").get()
    assert (entry.object_name, entry.before, entry.after) == (
        "viewer@example.com",
        {"role": "viewer"},
        {"role": "editor"},
    )


def test_an_admin_manages_everyone_but_owners(admin, owner, editor, change_by):
    with change_by(admin):
        people.change_role(editor, "admin")

    for act in (people.disable_person, people.remove_person, people.sign_out_everywhere, people.take_second_factors):
        with pytest.raises(ForbiddenError, match="Only another owner"), change_by(admin):
            act(owner)
    with pytest.raises(ForbiddenError, match="Only another owner"), change_by(admin):
        people.change_role(owner, "viewer")
    with pytest.raises(ForbiddenError, match="Only an owner"), change_by(admin):
        people.change_role(editor, "owner")
    assert User.objects.get(pk=owner.pk).role == "owner"


@pytest.mark.parametrize("act", [people.disable_person, people.remove_person, people.sign_out_everywhere])
def test_the_floor_refuses_whom_no_face_asked(editor, viewer, change_by, act):
    with pytest.raises(ForbiddenError), change_by(editor, permission="config.view"):
        act(viewer)


def test_the_last_owner_stays(owner, admin, change_by):
    with pytest.raises(ConflictError, match="last owner"), change_by(owner):
        people.change_role(owner, "viewer")

    owner.refresh_from_db()
    assert owner.role == "owner"


def test_an_owner_who_is_switched_off_does_not_count_as_one(owner, second_owner, change_by):
    with change_by(owner):
        people.disable_person(second_owner)

    with pytest.raises(ConflictError, match="last owner"), change_by(owner):
        people.change_role(owner, "admin")


def test_one_of_two_owners_can_go(owner, second_owner, change_by):
    with change_by(owner):
        people.remove_person(second_owner)

    assert not User.objects.filter(pk=second_owner.pk).exists()


@pytest.mark.parametrize("act", [people.disable_person, people.remove_person])
def test_nobody_shuts_themselves_out(owner, second_owner, change_by, act):
    with pytest.raises(ConflictError, match="You can't"), change_by(owner):
        act(owner)


def test_someone_switched_off_is_out_everywhere_at_once(owner, editor, change_by, browser_of, editors_key):
    browser = browser_of(editor)
    before = (browser.get("/models/").status_code, _opens(editors_key))

    with change_by(owner):
        people.disable_person(editor)

    assert before == (200, True)
    assert browser.get("/models/").headers["Location"].startswith("/accounts/login/")
    assert not _opens(editors_key)
    assert not Session.objects.filter(person=editor).exists()


def test_switched_on_again_their_keys_open_and_old_sessions_stay_ended(
    owner, editor, change_by, browser_of, editors_key
):
    browser = browser_of(editor)
    with change_by(owner):
        people.disable_person(editor)

    with change_by(owner):
        people.enable_person(editor)

    assert _opens(editors_key)
    assert browser.get("/models/").status_code == 302


def test_someone_removed_leaves_a_history_and_nothing_that_opens(owner, editor, change_by, browser_of, editors_key):
    browser_of(editor)

    with change_by(owner):
        people.remove_person(editor)

    assert not _opens(editors_key)
    assert not Session.objects.filter(person__isnull=False).exclude(person=owner).exists()
    assert entries(action="delete", object_type="person").get().object_name == "editor@example.com"


def test_a_role_without_own_keys_stops_the_keys_that_are_there(owner, editor, change_by, editors_key):
    with change_by(owner):
        people.change_role(editor, "viewer")
    stopped = not _opens(editors_key)

    with change_by(owner):
        people.change_role(editor, "editor")

    assert (stopped, _opens(editors_key)) == (True, True)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_making_someone_powerful_needs_a_fresh_confirmation(owner, editor, change_by, role):
    with pytest.raises(UnconfirmedError, match="Confirm that it is you"), change_by(owner, is_fresh=False):
        people.change_role(editor, role)

    with change_by(owner):
        people.change_role(editor, role)


def test_ordinary_roles_need_none(owner, viewer, change_by):
    with change_by(owner, is_fresh=False):
        people.change_role(viewer, "editor")

    assert User.objects.get(pk=viewer.pk).role == "editor"


def test_an_unknown_role_is_refused(owner, viewer, change_by):
    with pytest.raises(InvalidError, match="owner, admin, editor, viewer"), change_by(owner):
        people.change_role(viewer, "boss")


def test_signing_someone_out_ends_all_their_browsers(owner, editor, change_by, browser_of):
    browsers = [browser_of(editor), browser_of(editor)]

    with change_by(owner):
        ended = people.sign_out_everywhere(editor)

    assert ended == 2
    assert [browser.get("/models/").status_code for browser in browsers] == [302, 302]


def test_everyone_sees_their_own_browsers_alone(owner, editor, browser_of):
    browser_of(owner)
    browser_of(editor)

    assert [session.person for session in sessions_of(editor)] == [editor]
