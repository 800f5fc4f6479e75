"""Acts driven through their real faces: the entry says who, what, before and after, from where, and in which request."""

import httpx
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from llmadmin.accounts.actors import actor_of_person
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import entries
from llmadmin.config.services import change, operate
from llmadmin.core.errors import ForbiddenError, UnconfirmedError
from llmadmin.routing.models import AgentMapping
from tests.conftest import PASSWORD
from tests.live.server import LiveServer

REQUEST = "request-of-the-test-1"
ADDRESS = "203.0.113.9"


@pytest.fixture
def browser_of():
    def signed_in(person):
        client = Client(headers={"x-request-id": REQUEST}, REMOTE_ADDR=ADDRESS)
        client.force_login(person)
        return client

    return signed_in


@pytest.fixture
def rest(actor):
    with change(by=actor):
        _, key = issue_key(create_service(name="ci", scopes=["admin"]))
    return Client(headers={"x-request-id": REQUEST, "authorization": f"Bearer {key}"}, REMOTE_ADDR=ADDRESS)


@pytest.fixture
def weak_rest(actor):
    with change(by=actor):
        _, key = issue_key(create_service(name="reader", scopes=["usage:read"]))
    return Client(headers={"x-request-id": REQUEST, "authorization": f"Bearer {key}"}, REMOTE_ADDR=ADDRESS)


def _newest(**filters):
    entry = entries(**filters).first()
    assert entry is not None, "no entry"
    return entry


def _where(entry):
    return (entry.actor_label, entry.source, entry.request_id, entry.ip_address, entry.was_refused)


def _sign_in(client, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": "owner@example.com", "password": password})


PAGES = [
    # address, its arguments, what is sent, the entry: act, kind, name, before, after
    ("agents:add", [], {"name": "writer", "alias": "fast"}, ("create", "agent", "writer", None, "alias", "fast")),
    ("teams:add", [], {"slug": "crew", "name": "The crew"}, ("create", "team", "crew", None, "name", "The crew")),
    ("agents:delete", ["coder"], {"name": "coder", "confirm": "coder"}, ("delete", "agent", "coder", "fast", None, None)),
    ("people:invite", [], {"email": "new@example.com", "role": "viewer"},
     ("invite", "person", "new@example.com", None, "role", "viewer")),
    ("switches:stop?scope=everything", [], {"reason": "leak", "lifted_by_role": "admin"},
     ("stop", "everything", "All traffic", None, "reason", "leak")),
]  # fmt: skip


@pytest.mark.parametrize(("page", "args", "sent", "act"), PAGES, ids=[line[0] for line in PAGES])
def test_an_act_in_the_browser_says_who_and_what_and_from_where(page, args, sent, act, browser_of, owner, catalogue):
    action, kind, name, before, field, after = act
    page, _, query = page.partition("?")

    response = browser_of(owner).post(f"{reverse(page, args=args)}?{query}", sent)

    assert response.status_code in (200, 204, 302), response.content[:500]
    entry = _newest(action=action, object_type=kind)
    assert _where(entry) == ("owner@example.com", "ui", REQUEST, ADDRESS, False)
    assert entry.object_name == name
    assert (entry.before or {}).get("alias") == before
    assert field is None or entry.after[field] == after


def test_a_change_over_rest_says_which_service_and_what_it_was_before(rest, catalogue):
    response = rest.patch("/api/v1/aliases/fast/", {"cache_ttl_s": 60}, "application/json", headers={"If-Match": "*"})

    assert response.status_code == 200, response.content
    entry = _newest(object_type="alias", action="update")
    assert _where(entry) == ("ci", "api", REQUEST, ADDRESS, False)
    assert (entry.before, entry.after) == ({"cache_ttl_s": 0}, {"cache_ttl_s": 60})
    assert entry.version


def test_sign_in_and_sign_out_leave_entries(owner):
    client = Client(headers={"x-request-id": REQUEST}, REMOTE_ADDR=ADDRESS)
    _sign_in(client)
    client.post(reverse("account_logout"))

    out, came = entries()
    assert (out.action, came.action) == ("sign-out", "sign-in")
    for entry in (out, came):
        assert _where(entry) == ("owner@example.com", "ui", REQUEST, ADDRESS, False)


def test_wrong_passwords_and_the_lock_out_leave_entries(owner):
    client = Client(headers={"x-request-id": REQUEST}, REMOTE_ADDR=ADDRESS)
    for _ in range(8):
        _sign_in(client, password="not the password")

    assert _where(_newest(action="sign-in")) == ("owner@example.com", "ui", REQUEST, ADDRESS, True)
    assert entries(action="lock-out").exists()


def test_a_new_password_is_an_entry_without_the_password(browser_of, owner):
    fields = {"oldpassword": PASSWORD, "password1": "another long password", "password2": "another long password"}

    browser_of(owner).post(reverse("account_change_password"), fields)

    entry = _newest(action="update", object_type="person")
    assert list(entry.after) == ["password"]
    assert "long password" not in str(AuditEntry.objects.values())
    assert _where(entry) == ("owner@example.com", "ui", REQUEST, ADDRESS, False)


def test_a_refused_page_leaves_an_entry(browser_of, viewer, catalogue):
    assert browser_of(viewer).post(reverse("agents:delete", args=["coder"])).status_code == 403

    entry = _newest(action="refused")
    assert _where(entry) == ("viewer@example.com", "ui", REQUEST, ADDRESS, True)
    assert entry.object_name == "config.edit"


def test_a_refused_call_leaves_an_entry(weak_rest):
    assert weak_rest.get("/api/v1/audit/").status_code == 403

    entry = _newest(action="refused")
    assert _where(entry) == ("reader", "api", REQUEST, ADDRESS, True)
    assert entry.object_name == "services.manage"


@pytest.mark.parametrize("kind", [change, operate])
def test_what_a_service_below_refuses_is_undone_and_leaves_an_entry(kind, editor, catalogue):
    def act():
        with kind(by=actor_of_person(editor), permission="config.edit"):
            AgentMapping.objects.all().delete()
            raise ForbiddenError("Ask an owner.")

    with pytest.raises(ForbiddenError):
        act()

    assert AgentMapping.objects.exists()
    entry = _newest(action="refused")
    assert (entry.actor_label, entry.was_refused, entry.why) == ("editor@example.com", True, "Ask an owner.")


def test_being_asked_to_confirm_is_no_refusal(actor):
    with pytest.raises(UnconfirmedError), change(by=actor):
        raise UnconfirmedError("Confirm that it is you.")

    assert not entries(action="refused").exists()


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_an_entry(tmp_path, catalogue):
    call_command("backup", str(tmp_path / "copy.jsonl.gz"))

    entry = _newest(action="backup")
    assert (entry.actor_kind, entry.object_name) == ("command", "copy.jsonl.gz")
    assert entry.after["rows"] > AuditEntry.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_config_read_that_is_refused_again_and_again_is_one_entry(actor, catalogue):
    with change(by=actor):
        _, key = issue_key(create_service(name="caller", scopes=["gateway:call"]))
    headers = {"x-request-id": REQUEST, "authorization": f"Bearer {key}"}

    with LiveServer() as server:
        answers = [httpx.get(f"{server.url}/api/v1/config/", headers=headers).status_code for _ in range(3)]

    assert answers == [403, 403, 403]
    entry = entries(action="refused").get()
    assert _where(entry) == ("caller", "api", REQUEST, "127.0.0.1", True)
    assert (entry.object_type, entry.object_name) == ("scope", "config:read")
