"""Versions: read, compared, restored, undone; and the audit log's filters."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from llmadmin.catalog.models import Provider
from llmadmin.config.models import ConfigVersion
from llmadmin.config.services import change
from llmadmin.console.versions.changes import blocks_of, summary_of
from llmadmin.routing.models import Alias
from llmadmin.routing.services import update_alias
from llmadmin.vault.services import delete_key


@pytest.fixture
def edited(catalogue, actor):
    """Version 2 gave the alias a description, version 3 another one."""
    for words in ("two", "three"):
        with change(by=actor, why=f"Say {words}"):
            update_alias(Alias.objects.get(), description=words)


def test_a_version_shows_what_differs_from_the_one_before(edited, browser):
    context = browser.get(reverse("versions:detail", args=[3])).context

    (block,) = context["blocks"]
    assert (block.noun, block.name, block.op) == ("alias", "fast", "changed")
    assert [(line.field, line.before, line.after) for line in block.lines] == [("description", "two", "three")]


def test_two_versions_are_compared(edited, browser):
    context = browser.get(reverse("versions:detail", args=[3]), {"to": "1"}).context

    (block,) = context["blocks"]
    assert [(line.field, line.before, line.after) for line in block.lines] == [("description", "none", "three")]


def test_a_version_is_restored_as_a_new_one(edited, browser):
    answer = browser.post(reverse("versions:restore", args=[1]), {"why": "It was better"})

    assert answer["Location"] == reverse("versions:detail", args=[4])
    assert Alias.objects.get().description == ""
    assert ConfigVersion.objects.get(number=4).why == "It was better"


def test_undo_goes_back_by_one(edited, browser):
    answer = browser.post(reverse("versions:undo", args=[3]))

    assert Alias.objects.get().description == "two"
    assert [str(one) for one in get_messages(answer.wsgi_request)] == ["v3 undone: v4"]


def test_undo_does_not_sweep_away_what_came_after(edited, browser):
    answer = browser.post(reverse("versions:undo", args=[2]))

    assert Alias.objects.get().description == "three"
    (notice,) = get_messages(answer.wsgi_request)
    assert "v3 was published since" in str(notice)


def test_the_first_version_can_t_be_undone(catalogue, browser):
    browser.post(reverse("versions:undo", args=[1]))

    assert Alias.objects.exists()


def test_the_list_says_in_words_what_each_version_did(edited, browser):
    rows = browser.get(reverse("versions:list")).context["rows"]

    assert [(version.number, summary) for version, summary in rows][:2] == [
        (3, "alias fast changed"),
        (2, "alias fast changed"),
    ]
    assert "2 models added" in rows[2][1]


def test_an_added_object_shows_only_the_fields_that_say_something():
    (block,) = blocks_of(
        [
            {
                "object": "alias",
                "name": "a",
                "op": "create",
                "before": None,
                "after": {"strategy": "priority", "params": {}, "deprecated": None},
            }
        ]
    )

    assert [(line.field, line.before, line.after) for line in block.lines] == [("strategy", None, "priority")]


def test_many_changes_are_counted_and_few_named():
    changes = [{"object": "model", "name": f"m{number}", "op": "delete"} for number in range(3)] + [
        {"object": "agent", "name": "coder", "op": "create"}
    ]

    assert summary_of(changes) == "3 models removed, agent coder added"
    assert summary_of([]) == "Nothing that callers see"


def test_the_audit_log_is_filtered_by_person_object_and_act(edited, owner, browser):
    def names(**filters: str) -> set[tuple[str, str]]:
        rows = browser.get(reverse("audit:list"), filters).context["rows"]
        return {(entry.action, entry.object_type) for entry, _ in rows}

    assert names(type="alias") == {("create", "alias"), ("update", "alias")}
    assert names(type="alias", action="update") == {("update", "alias")}
    assert names(actor="nobody-like-this") == set()
    assert ("create", "key") in names(actor="owner")


def test_a_refusal_stands_in_the_audit_log(catalogue, viewer, browser, signed_in):
    signed_in(viewer).get(reverse("aliases:add"))

    rows = browser.get(reverse("audit:list"), {"refused": "1"}).context["rows"]

    assert [entry.actor_label for entry, _ in rows] == [viewer.email]


def test_undoing_a_provider_with_a_key_says_that_both_stay_switched_off(catalogue, browser):
    form = {"slug": "lab", "base_url": "http://127.0.0.1:9/v1", "timeout_s": "30", "max_retries": "1", "enabled": "on"}
    browser.post(f"{reverse('providers:add')}?kind=local", form | {"api_key": "test-key-alpha", "key_label": "main"})
    version = ConfigVersion.objects.order_by("-number").first().number

    answer = browser.post(reverse("versions:undo", args=[version]))

    notice = list(get_messages(answer.wsgi_request))[-1]
    assert str(notice) == (
        f"v{version} undone: v{version + 1}. Provider lab and key lab/main stay, switched off: "
        "going back throws no key away."
    )
    assert notice.level_tag == "warning"
    assert not Provider.objects.get(slug="lab").enabled


def test_going_back_past_a_deleted_key_says_that_it_is_gone(catalogue, actor, browser):
    with change(by=actor):
        delete_key(catalogue.key)

    answer = browser.post(reverse("versions:undo", args=[2]))

    (notice,) = get_messages(answer.wsgi_request)
    assert "did not come back: a deleted key has to be added again." in str(notice)


def test_the_first_version_s_notice_offers_no_undo(owner, signed_in):
    form = {"slug": "lab", "base_url": "http://127.0.0.1:9/v1", "timeout_s": "30", "max_retries": "1", "enabled": "on"}
    page = signed_in(owner).post(f"{reverse('providers:add')}?kind=local", form, follow=True).content.decode()

    assert "Provider saved as v1" in page
    assert ">Undo<" not in page
