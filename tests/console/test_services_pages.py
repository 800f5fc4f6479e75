"""Services and their keys: shown once, rotated with a grace period, revoked."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from llmadmin.accounts.models import Service, ServiceKey
from llmadmin.accounts.services import SCOPES
from llmadmin.console.services.forms import SCOPE_WORDS
from tests.console.pages import add_service

ISSUE = ("services:issue", ["billing"])


@pytest.fixture
def service(catalogue, actor) -> Service:
    return add_service(actor)[0]


def test_a_service_is_added_with_explained_scopes(catalogue, owner, signed_in):
    browser = signed_in(owner)
    form = browser.get(reverse("services:add")).content.decode()

    answer = browser.post(
        reverse("services:add"), {"name": "crawler", "scopes": ["config:read", "usage:write"], "aliases": ["fast"]}
    )

    found = Service.objects.get(name="crawler")
    assert answer["Location"] == reverse("services:detail", args=["crawler"])
    assert (found.scopes, found.aliases) == (["config:read", "usage:write"], ["fast"])
    assert set(SCOPE_WORDS) == set(SCOPES)
    assert all(title in form for title, _ in SCOPE_WORDS.values())


def test_a_service_needs_a_scope(catalogue, owner, signed_in):
    answer = signed_in(owner).post(reverse("services:add"), {"name": "crawler"})

    assert answer.status_code == 422
    assert "Choose at least one" in answer.content.decode()


def test_a_new_key_is_shown_once_and_never_kept_by_the_browser(service, owner, signed_in):
    browser = signed_in(owner)

    answer = browser.post(reverse(*ISSUE[:1], args=ISSUE[1]), {"label": "ci"})

    plaintext = answer.context["plaintext"]
    assert plaintext.startswith("lla_")
    assert f'data-copy="{plaintext}"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert plaintext not in browser.get(reverse("services:detail", args=["billing"])).content.decode()
    assert plaintext not in browser.get(reverse("audit:list")).content.decode()


def test_rotating_gives_a_new_key_and_lets_the_old_one_end_later(service, owner, signed_in):
    old = service.keys.get()

    answer = signed_in(owner).post(reverse("services:rotate", args=["billing", old.pk]), {"grace_s": "3600"})

    old.refresh_from_db()
    assert answer.context["plaintext"].startswith("lla_")
    assert service.keys.count() == 2
    assert dt.timedelta(minutes=59) < old.expires_at - timezone.now() <= dt.timedelta(hours=1)


def test_a_revoked_key_stays_visible_as_revoked_and_can_t_be_rotated(service, owner, signed_in):
    browser, key = signed_in(owner), service.keys.get()

    browser.post(reverse("services:revoke", args=["billing", key.pk]))
    again = browser.post(reverse("services:rotate", args=["billing", key.pk]), {"grace_s": "0"})

    assert ServiceKey.objects.get().revoked_at is not None
    assert again.status_code == 409
    assert [row.state for row in again.context["keys"]] == ["revoked"]
    assert again.context["plaintext"] == ""


def test_another_service_s_key_is_not_reached_through_this_one(service, actor, owner, signed_in):
    other, _ = add_service(actor, name="other")

    answer = signed_in(owner).post(reverse("services:revoke", args=["billing", other.keys.get().pk]))

    assert answer.status_code == 404
    assert other.keys.get().revoked_at is None


def test_an_editor_sees_a_service_and_can_t_issue_keys(service, editor, signed_in):
    browser = signed_in(editor)

    page = browser.get(reverse("services:detail", args=["billing"])).content.decode()
    answer = browser.post(reverse("services:issue", args=["billing"]))

    assert "Issue key" not in page
    assert answer.status_code == 403
    assert service.keys.count() == 1


def test_a_service_goes_only_when_its_name_is_typed(service, owner, signed_in):
    browser, path = signed_in(owner), reverse("services:delete", args=["billing"])

    refused = browser.post(path, {"confirm": "biling"})
    browser.post(path, {"confirm": "billing"})

    assert refused.status_code == 422
    assert not Service.objects.filter(name="billing").exists()
