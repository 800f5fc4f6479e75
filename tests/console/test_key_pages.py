"""Pages of API keys: what can be pasted, rotating step by step, where a key is used, when it ends."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from llmadmin.config.services import change
from llmadmin.simulator.server import SimulatorServer
from llmadmin.vault.models import ApiKey, KeyRotation
from llmadmin.vault.recovery import fail_key
from llmadmin.vault.services import add_key, update_key

UPSTREAM_KEY, NEW_KEY = "test-key-upstream-alpha", "test-key-upstream-beta"
FIELDS = {"label": "spare", "environment": "production", "weight": "1"}


@pytest.fixture
def upstream(catalogue, actor):
    """A provider that answers, behind the catalogue's; its key is `main`."""
    from llmadmin.catalog.services import update_provider

    with SimulatorServer(api_key=UPSTREAM_KEY) as simulator:
        with change(by=actor):
            update_provider(catalogue.provider, base_url=simulator.base_url)
            update_key(catalogue.key, api_key=UPSTREAM_KEY)
        catalogue.key.refresh_from_db()
        yield simulator


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("••••••••0001", "masked form"),
        ("sk-…0001", "masked form"),
        ("مفتاح-سري-جدا", "no spaces, line breaks or special signs"),
        ("test-key\x07with-a-bell", "no spaces, line breaks or special signs"),
        ("test-key\x00with-nul", "Null characters are not allowed"),
        ("two words", "no spaces, line breaks or special signs"),
        ("k" * (10 * 1024 * 1024), "at most 8192 characters"),
        ("", "Paste the key that the provider gave you"),
    ],
    ids=["dots", "ellipsis", "arabic", "bell", "nul", "words", "10 MB", "nothing"],
)
def test_g08_what_is_no_key_is_refused_in_words_and_not_said_back(catalogue, owner, signed_in, pasted, told):
    answer = signed_in(owner).post(reverse("providers:add_key", args=["sim"]), FIELDS | {"api_key": pasted})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert ApiKey.objects.count() == 1
    assert not pasted or pasted not in page


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("label", "a\u0007b", "control characters"),
        ("allowed_models", "alpha\nno-such-model", "no model &#x27;no-such-model&#x27;"),
        ("calls_per_minute", "0", "greater than or equal to 1"),
        ("tokens_per_minute", "many", "whole number"),
        ("expires_at", "tomorrow", "valid date"),
        ("weight", "1001", "between 1 and 1000"),
    ],
)
def test_wrong_settings_of_a_key_are_told_at_their_field(catalogue, owner, signed_in, field, value, told):
    answer = signed_in(owner).post(
        reverse("providers:add_key", args=["sim"]), FIELDS | {"api_key": NEW_KEY, field: value}
    )

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert ApiKey.objects.count() == 1


def test_a_key_is_added_with_all_that_can_be_set(catalogue, owner, signed_in):
    answer = signed_in(owner).post(
        reverse("providers:add_key", args=["sim"]),
        FIELDS
        | {"api_key": NEW_KEY, "allowed_models": "beta, alpha", "calls_per_minute": "60", "tokens_per_minute": "9000"}
        | {"expires_at": "2035-01-31T12:00"},
    )

    key = ApiKey.objects.get(label="spare")
    assert answer.status_code == 302
    assert (key.allowed_models, key.calls_per_minute, key.tokens_per_minute) == (["alpha", "beta"], 60, 9000)
    assert key.expires_at == dt.datetime(2035, 1, 31, 12, tzinfo=dt.UTC)


def test_where_it_lies_is_asked_only_where_the_server_reads_something(
    catalogue, owner, signed_in, settings, monkeypatch
):
    browser, path = signed_in(owner), reverse("providers:add_key", args=["sim"])
    assert "source_ref" not in browser.get(path).content.decode()

    settings.KEY_SOURCES = "env:SIM_*"
    monkeypatch.setenv("SIM_KEY", NEW_KEY)
    page = browser.get(path).content.decode()
    answer = browser.post(path, FIELDS | {"source_ref": "env:SIM_KEY"})

    assert "Allowed here: env:SIM_*" in page
    assert answer.status_code == 302
    detail = browser.get(reverse("keys:detail", args=[ApiKey.objects.get(label="spare").pk])).content.decode()
    assert "env:SIM_KEY" in detail
    assert NEW_KEY not in detail


def test_a_rotation_goes_through_its_pages(upstream, catalogue, owner, signed_in):
    upstream.app.accept(NEW_KEY)
    browser, path = signed_in(owner), reverse("keys:rotation", args=[catalogue.key.pk])

    begun = browser.post(path, {"api_key": NEW_KEY, "retires_after_s": "900"}, follow=True).content.decode()
    switched = _step(browser, catalogue.key, "switch")
    draining = {key.label: key.state for key in ApiKey.objects.all()}
    fragment = browser.get(path, headers={"HX-Request": "true", "HX-Target": "rotation-traffic"}).content.decode()
    retired = _step(browser, catalogue.key, "retire")

    assert "<strong>main 2 works.</strong>" in begun
    assert "New calls take main 2" in switched
    assert "retires by itself after 15 quiet minutes" in switched
    assert draining == {"main": "draining", "main 2": "active"}
    assert fragment.lstrip().startswith('<section class="card" id="rotation-traffic"')
    assert "main was retired" in retired
    assert KeyRotation.objects.get().step == "retired"
    assert NEW_KEY not in begun + switched + retired


def test_a_new_key_that_does_not_work_is_told_and_the_old_one_goes_on(upstream, catalogue, owner, signed_in):
    browser, path = signed_in(owner), reverse("keys:rotation", args=[catalogue.key.pk])

    begun = browser.post(path, {"api_key": NEW_KEY}, follow=True).content.decode()
    refused = browser.post(reverse("keys:rotation_step", args=[catalogue.key.pk, "switch"]))
    upstream.app.accept(NEW_KEY)
    mended = _step(browser, catalogue.key, "test")
    cancelled = _step(browser, catalogue.key, "cancel")

    assert "The test of main 2 failed." in begun
    assert refused.status_code == 409
    assert "has not passed its test" in refused.content.decode()
    assert "<strong>main 2 works.</strong>" in mended
    assert "The last rotation was cancelled" in cancelled
    assert {key.label: key.state for key in ApiKey.objects.all()} == {"main": "active", "main 2": "disabled"}


def test_the_new_keys_page_leads_to_the_rotation_and_so_does_its_own_address(upstream, catalogue, owner, signed_in):
    upstream.app.accept(NEW_KEY)
    browser = signed_in(owner)
    browser.post(reverse("keys:rotation", args=[catalogue.key.pk]), {"api_key": NEW_KEY})
    new = ApiKey.objects.get(label="main 2")

    there = browser.get(reverse("keys:rotation", args=[new.pk]))
    page = browser.get(reverse("keys:detail", args=[new.pk])).content.decode()

    assert there.headers["Location"] == reverse("keys:rotation", args=[catalogue.key.pk])
    assert "is taking the place of" in page


def test_testing_a_key_from_its_page_notes_its_use(upstream, catalogue, owner, signed_in):
    answer = signed_in(owner).post(reverse("keys:test", args=[catalogue.key.pk])).content.decode()

    assert "answers.</strong>" in answer
    assert ApiKey.objects.get().last_used_at is not None


def test_a_key_says_where_it_is_used(catalogue, owner, signed_in):
    page = signed_in(owner).get(reverse("keys:detail", args=[catalogue.key.pk])).content.decode()

    used_by = page.partition("Where it is used")[2].partition("</section>")[0]
    assert reverse("aliases:detail", args=["fast"]) in used_by
    assert reverse("agents:detail", args=["coder"]) in used_by


@pytest.mark.parametrize(
    ("days", "told"),
    [(31, None), (29, "Expires in 29 days"), (6, "Expires in 6 days"), (0.9, "Expires within a day"), (-1, "Expired")],
)
@pytest.mark.parametrize("place", ["overview", "provider", "key"])
def test_keys_that_end_soon_are_told_of_where_people_look(catalogue, actor, owner, signed_in, days, told, place):
    with change(by=actor):
        update_key(catalogue.key, expires_at=timezone.now() + dt.timedelta(days=days))
    path = {
        "overview": reverse("overview"),
        "provider": reverse("providers:detail", args=["sim"]),
        "key": reverse("keys:detail", args=[catalogue.key.pk]),
    }[place]

    page = signed_in(owner).get(path).content.decode()

    if told is None:
        assert "Expires in" not in page
        assert "Expired" not in page
    else:
        assert told in page
        assert reverse("keys:rotation", args=[catalogue.key.pk]) in page


def test_a_failed_key_says_what_its_provider_said_and_when_it_is_asked_again(catalogue, actor, owner, signed_in):
    with change(by=actor):
        fail_key(
            catalogue.key.pk,
            entered_at=catalogue.key.entered_at,
            error_class="authentication",
            reason="sim answered 401: no",
        )

    page = signed_in(owner).get(reverse("keys:detail", args=[catalogue.key.pk])).content.decode()

    assert "<strong>The provider refuses this key.</strong> sim answered 401: no" in page
    assert "It is asked again, at no cost" in page


def test_g07_the_page_of_the_encryption_key_counts_names_and_moves(
    catalogue, actor, owner, signed_in, settings, monkeypatch
):
    from llmadmin.vault import tasks

    monkeypatch.setattr(tasks.walk_reencryption, "delay", tasks.walk_reencryption)
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = "l" * 43
    with change(by=actor):
        lost = add_key(catalogue.provider, label="lost", api_key="test-key-of-long-ago")
    before = bytes(ApiKey.objects.get(pk=lost.pk).ciphertext)
    settings.ENCRYPTION_KEYS = f"{'n' * 43},{old}"
    browser, path = signed_in(owner), reverse("settings:encryption")

    counted = browser.get(path).content.decode()
    moved = browser.post(reverse("settings:start_encryption"), follow=True).content.decode()

    assert "Re-encrypt 1 API key" in counted
    assert "1 API key can't be read." in counted.replace("&#x27;", "'")
    assert "2 of 2 looked at · 1 moved · 1 unreadable" in moved
    assert f'<a class="mono" href="{reverse("keys:detail", args=[lost.pk])}">sim/lost</a>' in moved
    assert "Re-encrypt 1 API key" not in moved
    assert bytes(ApiKey.objects.get(pk=lost.pk).ciphertext) == before


def test_g27_the_pages_of_keys_make_as_many_queries_with_thirty_keys_as_with_three(catalogue, actor, owner, signed_in):
    browser = signed_in(owner)
    paths = [reverse("keys:detail", args=[catalogue.key.pk]), reverse("settings:encryption"), reverse("overview")]
    _more_keys(catalogue, actor, range(2))
    few = [_queries(browser, path) for path in paths]

    _more_keys(catalogue, actor, range(2, 29))

    assert [_queries(browser, path) for path in paths] == few


def _more_keys(catalogue, actor, numbers) -> None:
    soon = timezone.now() + dt.timedelta(days=3)
    with change(by=actor):
        for number in numbers:
            add_key(catalogue.provider, label=f"key {number}", api_key=f"test-key-number-{number:04}", expires_at=soon)


def _queries(browser, path) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


def _step(browser, key, step: str) -> str:
    return browser.post(reverse("keys:rotation_step", args=[key.pk, step]), follow=True).content.decode()
