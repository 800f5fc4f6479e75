"""An invitation is a link that makes one account, once, until it expires."""

import pytest
import time_machine
from django.utils import timezone

from llmadmin.accounts import invitations
from llmadmin.accounts.models import Invitation, User
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError, UnconfirmedError

PASSPHRASE = "quite a long passphrase"


def _invited(change_by, by, email="ida@example.com", role="editor"):
    with change_by(by):
        _, token = invitations.invite(email, role)
    return token


def test_whoever_accepts_gets_the_role_that_was_promised(owner, change_by):
    token = _invited(change_by, owner, email=" Ida@Example.com ")

    ida = invitations.accept(token, password=PASSPHRASE, name="Ida")

    assert (ida.email, ida.role, ida.name, ida.is_superuser) == ("ida@example.com", "editor", "Ida", False)
    assert ida.check_password(PASSPHRASE)
    assert not Invitation.objects.exists()
    assert [(entry.action, entry.object_name) for entry in entries(object_type="person")][:2] == [
        ("create", "ida@example.com"),
        ("invite", "ida@example.com"),
    ]


def test_a_link_works_once(owner, change_by):
    token = _invited(change_by, owner)
    invitations.accept(token, password=PASSPHRASE)

    with pytest.raises(MissingError, match="Ask whoever invited you"):
        invitations.accept(token, password=PASSPHRASE)

    assert User.objects.filter(email="ida@example.com").count() == 1


def test_a_link_ends(owner, change_by):
    token = _invited(change_by, owner)

    with time_machine.travel(timezone.now() + invitations.LIFETIME), pytest.raises(MissingError):
        invitations.accept(token, password=PASSPHRASE)


def test_a_renewed_invitation_voids_the_old_link(owner, change_by):
    old = _invited(change_by, owner)
    with change_by(owner):
        _, new = invitations.renew(Invitation.objects.get())

    with pytest.raises(MissingError):
        invitations.find_invitation(old)
    assert invitations.find_invitation(new).email == "ida@example.com"


def test_a_withdrawn_invitation_opens_nothing(owner, change_by):
    token = _invited(change_by, owner)

    with change_by(owner):
        invitations.withdraw(Invitation.objects.get())

    with pytest.raises(MissingError):
        invitations.find_invitation(token)


def test_the_link_is_nowhere_kept(owner, change_by):
    token = _invited(change_by, owner)

    assert token not in str(list(Invitation.objects.values())) + str(list(entries().values()))


def test_an_unfit_password_leaves_the_invitation_open(owner, change_by):
    token = _invited(change_by, owner)

    with pytest.raises(InvalidError):
        invitations.accept(token, password="short")

    assert invitations.find_invitation(token)


def test_someone_with_an_account_is_not_invited(owner, viewer, change_by):
    with pytest.raises(ConflictError, match="has an account"), change_by(owner):
        invitations.invite("VIEWER@example.com", "editor")


def test_an_admin_invites_everyone_but_owners(admin, change_by):
    _invited(change_by, admin, role="admin")

    with pytest.raises(ForbiddenError, match="Only an owner"), change_by(admin):
        invitations.invite("boss@example.com", "owner")


@pytest.mark.parametrize("act", [invitations.renew, invitations.withdraw])
def test_an_admin_does_not_touch_an_owner_s_invitation(owner, admin, change_by, act):
    _invited(change_by, owner, role="owner")

    with pytest.raises(ForbiddenError, match="Only an owner"), change_by(admin):
        act(Invitation.objects.get())


def test_an_old_sign_in_is_enough_to_withdraw_one(owner, change_by):
    _invited(change_by, owner, role="admin")

    with change_by(owner, is_fresh=False):
        invitations.withdraw(Invitation.objects.get())

    assert not Invitation.objects.exists()


def test_an_editor_invites_nobody(editor, change_by):
    with pytest.raises(ForbiddenError), change_by(editor, permission="config.view"):
        invitations.invite("ida@example.com", "viewer")


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_inviting_someone_powerful_needs_a_fresh_confirmation(owner, change_by, role):
    with pytest.raises(UnconfirmedError), change_by(owner, is_fresh=False):
        invitations.invite("ida@example.com", role)


@pytest.mark.parametrize("email", ["", "ida", "ida@", "a b@example.com"])
def test_what_is_no_address_is_refused(owner, change_by, email):
    with pytest.raises(InvalidError, match="e-mail address"), change_by(owner):
        invitations.invite(email, "viewer")
