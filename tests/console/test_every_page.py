"""What holds on every Configure, History and Settings page: who may open it, no inline code, no secret, no markup let in."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from llmadmin.catalog.services import create_model, update_provider
from llmadmin.config.services import change
from llmadmin.routing.services import create_alias, update_agent
from tests.conftest import PASSWORD
from tests.console.pages import add_service, editing_pages, managing_pages, reading_pages

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
MARKUP = "<script>alert(1)</script>"


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
def test_everyone_may_open_the_pages_that_only_read(role, request, catalogue, actor, signed_in):
    add_service(actor)
    browser = signed_in(request.getfixturevalue(role))

    statuses = {path: browser.get(path).status_code for path in reading_pages(catalogue)}

    assert set(statuses.values()) == {200}, statuses


def test_an_editor_may_open_the_forms_of_the_configuration_and_not_those_of_services(
    catalogue, actor, editor, signed_in
):
    add_service(actor)
    browser = signed_in(editor)

    statuses = {path: browser.get(path).status_code for path in editing_pages(catalogue)}
    refused = {path: browser.get(path).status_code for path in managing_pages()}

    assert set(statuses.values()) == {200}, statuses
    assert set(refused.values()) == {403}, refused


def test_a_viewer_is_refused_every_form_in_words_and_nothing_is_offered(catalogue, actor, viewer, signed_in):
    add_service(actor)
    browser = signed_in(viewer)

    refused = {path: browser.get(path).status_code for path in [*editing_pages(catalogue), *managing_pages()]}
    page = browser.get(reverse("aliases:edit", args=["fast"])).content.decode()

    assert set(refused.values()) == {403}, refused
    assert "Your role (viewer) may not change the configuration" in page
    for path in reading_pages(catalogue):
        forms = re.findall(r'<form[^>]*method="post"[^>]*>', browser.get(path).content.decode())
        assert all(
            "logout" in form or "password" in form or form == '<form method="post" class="form" novalidate>'
            for form in forms
        ), path


def test_a_viewer_s_posts_change_nothing(catalogue, actor, viewer, signed_in):
    service, _ = add_service(actor)
    browser = signed_in(viewer)
    posts = [
        reverse("providers:delete", args=["sim"]),
        reverse("providers:test", args=["sim"]),
        reverse("keys:state", args=[catalogue.key.pk]),
        reverse("models:add_price", args=[catalogue.models[0].pk]),
        reverse("aliases:default"),
        reverse("agents:delete", args=["coder"]),
        reverse("services:issue", args=["billing"]),
        reverse("versions:undo", args=[1]),
        reverse("settings:transfer"),
    ]

    statuses = {
        path: browser.post(path, {"state": "disabled", "name": "fast", "text": "{}"}).status_code for path in posts
    }

    assert set(statuses.values()) == {403}, statuses
    catalogue.key.refresh_from_db()
    assert catalogue.key.state == "active"
    assert service.keys.count() == 1


def test_no_page_holds_inline_code_and_each_forbids_it(catalogue, actor, owner, signed_in):
    add_service(actor)
    browser = signed_in(owner)

    for path in [*reading_pages(catalogue), *editing_pages(catalogue), *managing_pages()]:
        answer = browser.get(path)
        policy = answer["Content-Security-Policy"]
        assert INLINE.search(answer.content.decode()) is None, path
        assert "script-src 'self';" in f"{policy};"
        assert "style-src 'self';" in f"{policy};"


def test_the_pages_before_signing_in_hold_no_inline_code_either(owner):
    for path in (reverse("account_login"), reverse("account_reset_password"), "/nothing/here/"):
        assert INLINE.search(Client().get(path, follow=True).content.decode()) is None, path


def test_no_page_shows_a_key(catalogue, actor, owner, signed_in):
    _, plaintext = add_service(actor)
    browser = signed_in(owner)

    for path in [*reading_pages(catalogue), *editing_pages(catalogue), *managing_pages()]:
        page = browser.get(path).content.decode()
        assert catalogue.plaintext not in page, path
        assert plaintext not in page, path
        assert catalogue.key.fingerprint not in page, path


def test_text_that_looks_like_markup_stays_text(catalogue, actor, owner, signed_in):
    with change(by=actor, why=MARKUP):
        update_provider(catalogue.provider, label=MARKUP)
        update_agent(catalogue.agent, description=MARKUP, params={MARKUP: MARKUP})
        create_model(catalogue.provider, name="<img/src=x>")
        create_alias(name="odd", targets=[{"model": "sim/<img/src=x>"}], description=MARKUP, params={"stop": MARKUP})
    add_service(actor)
    browser = signed_in(owner)
    paths = [
        *reading_pages(catalogue),
        *editing_pages(catalogue),
        reverse("aliases:detail", args=["odd"]),
        reverse("versions:detail", args=[2]),
    ]

    for path in paths:
        page = browser.get(path).content.decode() if path != reverse("settings:export") else ""
        assert "<script>alert" not in page, path
        assert "<img/src=x>" not in page, path


def test_arabic_text_is_shown_as_it_is(catalogue, actor, owner, signed_in):
    words = "نموذج سريع وموثوق"
    with change(by=actor):
        create_alias(name="arabic", targets=[{"model": "sim/alpha"}], description=words)

    page = signed_in(owner).get(reverse("aliases:detail", args=["arabic"])).content.decode()

    assert words in page


def test_someone_who_is_not_signed_in_is_led_to_the_sign_in(catalogue):
    answer = Client().get(reverse("providers:list"))
    fragment = Client().get(reverse("providers:list"), headers={"HX-Request": "true"})

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    assert fragment["HX-Redirect"].startswith(reverse("account_login"))


def test_signing_in_leads_to_the_overview(owner):
    answer = Client().post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, reverse("overview"))


def test_what_is_not_there_answers_404_in_words(catalogue, owner, signed_in):
    browser = signed_in(owner)

    for path in (
        "/providers/none/",
        "/aliases/none/",
        "/agents/a/b/",
        "/services/none/",
        "/versions/999/",
        "/versions/99999999999999999999/",
    ):
        answer = browser.get(path)
        assert answer.status_code == 404, path
    assert "There is no provider &#x27;none&#x27;" in browser.get("/providers/none/").content.decode()


def test_a_cursor_that_is_not_ours_is_refused_in_words(catalogue, owner, signed_in):
    answer = signed_in(owner).get(reverse("models:list"), {"cursor": "zzz"})

    assert answer.status_code == 400
    assert "does not belong to this list" in answer.content.decode()


@pytest.mark.parametrize("noun", ["models", "aliases", "agents", "services"])
def test_htmx_gets_the_fragment_of_a_list_and_history_the_whole_page(noun, catalogue, owner, signed_in):
    browser = signed_in(owner)
    asked = {"HX-Request": "true", "HX-Target": noun}

    fragment = browser.get(reverse(f"{noun}:list"), headers=asked)
    restored = browser.get(reverse(f"{noun}:list"), headers=asked | {"HX-History-Restore-Request": "true"})

    assert fragment.content.decode().strip().startswith(f'<div id="{noun}">')
    assert "HX-Target" in fragment["Vary"]
    assert "<!doctype html>" in restored.content.decode()
