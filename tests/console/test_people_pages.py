"""The pages of people, teams and one's own account: what they send, show once, and refuse."""

from __future__ import annotations

import re
from smtplib import SMTPException

import pytest
from django.core import mail
from django.urls import reverse

from llmadmin.accounts.models import Invitation, Service, ServiceKey, Session, Team, User
from llmadmin.audit.selectors import entries
from tests.conftest import PASSWORD

IDA = {"email": "ida@example.com", "role": "editor"}
LINK = re.compile(r"http://testserver/accounts/invitation/([\w-]+)/")


@pytest.fixture
def owners(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def post_office(settings):
    settings.MAIL_IS_SENT = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


class BrokenPostOffice:
    """A mail server that takes nothing."""

    def __init__(self, **_: object) -> None:
        pass

    def send_messages(self, _: object) -> int:
        raise SMTPException("mailbox unavailable")


def test_without_mail_the_link_is_shown_once(owners, client):
    page = owners.post(reverse("people:invite"), IDA)
    link = LINK.search(page.content.decode())

    assert link is not None
    assert page.headers["Cache-Control"].startswith("max-age=0")
    assert link[1] not in owners.get(reverse("people:list")).content.decode()
    assert client.get(link[0]).headers["Location"] == reverse("invitation")


def test_with_mail_the_link_is_sent_and_not_shown(owners, post_office):
    page = owners.post(reverse("people:invite"), IDA)

    letter = mail.outbox[0]
    assert page.status_code == 302
    assert letter.to == ["ida@example.com"]
    link = LINK.search(str(letter.body))
    assert link is not None
    assert link[1] not in owners.get(reverse("people:list")).content.decode()


def test_when_the_mail_server_fails_the_link_is_shown_after_all(owners, settings):
    settings.MAIL_IS_SENT = True
    settings.EMAIL_BACKEND = "tests.console.test_people_pages.BrokenPostOffice"

    page = owners.post(reverse("people:invite"), IDA).content.decode()

    assert "did not take the message" in page
    assert LINK.search(page)


def test_links_carry_the_public_address(owners, settings):
    settings.PUBLIC_URL = "https://llm.example.com"

    assert "https://llm.example.com/accounts/invitation/" in owners.post(reverse("people:invite"), IDA).content.decode()


def test_whoever_follows_the_link_signs_in_by_choosing_a_password(owners, client):
    link = LINK.search(owners.post(reverse("people:invite"), IDA).content.decode())
    assert link is not None
    client.get(link[0])

    welcome = client.get(reverse("invitation")).content.decode()
    short = client.post(reverse("invitation"), {"password": "short"})
    done = client.post(reverse("invitation"), {"password": "quite a long passphrase", "name": "Ida"})

    assert "ida@example.com" in welcome
    assert link[1] not in welcome
    assert (short.status_code, done.headers["Location"]) == (422, "/")
    assert client.get("/models/").status_code == 200


def test_an_invitation_that_is_gone_says_whom_to_ask(owners, client):
    client.get("/accounts/invitation/made-up/")

    page = client.get(reverse("invitation"))

    assert page.status_code == 404
    assert "Ask whoever invited you" in page.content.decode()


def test_an_admin_is_not_offered_to_make_owners(signed_in, viewer):
    User.objects.filter(pk=viewer.pk).update(role="admin")

    page = signed_in(viewer).get(reverse("people:invite")).content.decode()

    assert 'value="admin"' in page
    assert 'value="owner"' not in page


def test_the_acts_on_a_person_s_page_do_what_they_say(owners, editor):
    page = reverse("people:detail", args=[editor.pk])
    for act, field in (("role", {"role": "viewer"}), ("disable", {}), ("enable", {}), ("end_sessions", {})):
        assert owners.post(reverse(f"people:{act}", args=[editor.pk]), field).headers["Location"] == page

    editor.refresh_from_db()
    assert (editor.role, editor.is_active) == ("viewer", True)
    assert [entry.action for entry in entries(object_type="person", object_name=editor.email)] == [
        "enable", "disable", "update",
    ]  # fmt: skip


def test_removing_someone_asks_for_their_address(owners, editor):
    page = reverse("people:remove", args=[editor.pk])

    wrong = owners.post(page, {"confirm": "yes"})
    still_there = User.objects.filter(pk=editor.pk).exists()
    owners.post(page, {"confirm": editor.email})

    assert (wrong.status_code, still_there) == (422, True)
    assert not User.objects.filter(pk=editor.pk).exists()


def test_what_is_refused_is_said_on_the_page(owners, owner):
    page = owners.post(reverse("people:role", args=[owner.pk]), {"role": "viewer"})

    assert page.status_code == 409
    assert "is the last owner" in page.content.decode()


def test_a_team_is_made_changed_and_deleted(owners, editor):
    owners.post(reverse("teams:add"), {"slug": "search", "name": "Search", "members": [editor.email]})
    revision = Team.objects.get().revision
    owners.post(reverse("teams:edit", args=["search"]), {"slug": "search", "name": "Find", "revision": revision})
    changed = Team.objects.get()
    names = (changed.name, list(changed.members.all()))
    owners.post(reverse("teams:delete", args=["search"]))

    assert names == ("Find", [])
    assert not Team.objects.exists()


def test_a_member_sees_which_team_is_theirs(owners, editor, signed_in):
    owners.post(reverse("teams:add"), {"slug": "search", "members": [editor.email]})

    assert "yours" in signed_in(editor).get(reverse("teams:list")).content.decode()
    assert "yours" not in owners.get(reverse("teams:list")).content.decode()


def test_an_own_key_is_shown_once(signed_in, editor):
    browser = signed_in(editor)

    page = browser.post(reverse("account:issue_key"), {"label": "laptop", "days": "30"}).content.decode()
    plaintext = re.search(r"lla_[\w-]{40,}", page)

    assert plaintext is not None
    assert plaintext[0] not in browser.get(reverse("account:page")).content.decode()
    assert ServiceKey.objects.get().service.person == editor


def test_an_own_key_is_revoked_by_its_person_alone(signed_in, owner, editor):
    browser = signed_in(editor)
    browser.post(reverse("account:issue_key"), {"label": "laptop", "days": "30"})
    revoke = reverse("account:revoke_key", args=[ServiceKey.objects.get().pk])

    stranger = signed_in(owner).post(revoke)
    before = ServiceKey.objects.get().revoked_at
    browser.post(revoke)

    assert (stranger.status_code, before) == (404, None)
    assert ServiceKey.objects.get().revoked_at is not None


def test_a_viewer_is_offered_no_key_and_gets_none(signed_in, viewer):
    browser = signed_in(viewer)

    assert "Issue key" not in browser.get(reverse("account:page")).content.decode()
    assert browser.post(reverse("account:issue_key"), {"label": "laptop", "days": "30"}).status_code == 403
    assert not Service.objects.filter(person=viewer).exists()


def test_admins_see_whose_keys_a_service_holds_and_can_only_revoke_them(owners, signed_in, editor):
    signed_in(editor).post(reverse("account:issue_key"), {"label": "laptop", "days": "30"})

    page = owners.get(reverse("services:detail", args=["editor-own"])).content.decode()

    assert "editor@example.com" in page
    assert "Revoke now" in page
    assert "Issue key" not in page
    assert "/rotate/" not in page


def test_one_of_my_browsers_is_signed_out(signed_in, editor):
    here, there = signed_in(editor), signed_in(editor)
    other = Session.objects.get(pk=there.session.session_key)

    here.post(reverse("account:end_session"), {"began": other.began_at.isoformat()})

    assert there.get("/models/").status_code == 302
    assert here.get("/models/").status_code == 200


def test_somebody_else_s_browser_is_not_mine_to_end(signed_in, owner, editor):
    here, theirs = signed_in(editor), signed_in(owner)
    began = Session.objects.get(pk=theirs.session.session_key).began_at.isoformat()

    assert here.post(reverse("account:end_session"), {"began": began}).status_code == 404
    assert theirs.get("/models/").status_code == 200


def test_a_changed_password_ends_the_other_browsers(signed_in, editor):
    here, there = signed_in(editor), signed_in(editor)

    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another long passphrase", "password2": "another long passphrase"},
    )

    assert here.get("/models/").status_code == 200
    assert there.get("/models/").status_code == 302
    assert Session.objects.filter(person=editor).count() == 1


@pytest.mark.parametrize("page", ["people:list", "people:rules", "teams:list"])
def test_the_lists_queries_do_not_grow(owners, page, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def grow(number: int) -> None:
        for place in range(number):
            stem = f"{User.objects.count()}-{place}"
            User.objects.create_user(f"p{stem}@example.com", None)
            Team.objects.create(slug=f"t{stem}", name="Team")
            Invitation.objects.create(email=f"i{stem}@example.com", token_hash=stem, expires_at="2999-01-01T00:00:00Z")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert owners.get(reverse(page)).status_code == 200
        return len(captured)

    owners.get(reverse(page))
    grow(3)
    few = queries()
    grow(30)

    assert queries() == few
