"""The history speaks: prices, times, chains and acts in words, never as they are stored."""

from __future__ import annotations

import zoneinfo

import pytest
from django.urls import reverse
from django.utils import timezone

from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.services import set_price
from llmadmin.config.services import change
from llmadmin.console.templatetags.history import acted, called
from llmadmin.console.versions.changes import blocks_of, summary_of
from llmadmin.console.versions.words import moment, value_of

STORED_TIME = "2026-11-21T00:48:37.087202Z"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-01-01", "1 Jan 2026"),
        ("2026-01-01T00:00:00Z", "1 Jan 2026"),
        (STORED_TIME, "21 Nov 2026, 04:48"),
        ("soon", "soon"),
    ],
)
def test_a_moment_is_said_in_the_viewer_s_zone(written, said):
    with timezone.override(zoneinfo.ZoneInfo("Asia/Dubai")):
        assert moment(written) == said


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("targets", [{"model": "a/x", "weight": 1, "params": {}}, {"model": "b/y", "weight": 1}], "a/x → b/y"),
        (
            "targets",
            [{"model": "a/x", "weight": 3, "params": {"temperature": 0.2}}, {"model": "b/y", "weight": 1}],
            "a/x (weight 3, temperature: 0.2) → b/y (weight 1)",
        ),
        ("targets", [], "none"),
        ("input_usd_per_mtok", "0.4", "$0.40"),
        ("input_usd_per_mtok", None, "none"),
        ("context_window", 200_000, "200,000"),
        ("enabled", False, "off"),
        ("expires_at", STORED_TIME, "21 Nov 2026, 00:48"),
        ("params", {"a": 1}, "a: 1"),
    ],
)
def test_a_value_is_said_in_words(field, value, said):
    assert value_of(field, value) == said


def test_a_version_names_prices_and_the_default_model_as_people_do():
    changes = [
        {"object": "price", "name": f"sim/alpha from {STORED_TIME}", "op": "create", "before": None, "after": {}},
        {"object": "default", "name": "default_model", "op": "update", "before": {}, "after": {}},
    ]

    assert summary_of(changes) == "price of sim/alpha from 21 Nov 2026, 00:48 added, default model changed"
    assert [(block.noun, block.name) for block in blocks_of(changes)] == [
        ("price of", "sim/alpha from 21 Nov 2026, 00:48"),
        ("default model", ""),
    ]


def test_no_page_of_the_history_shows_a_stored_time(catalogue, actor, browser):
    with change(by=actor):
        set_price(catalogue.models[0], input_usd_per_mtok="1", output_usd_per_mtok="2")

    for path in (reverse("overview"), reverse("versions:list"), reverse("versions:detail", args=[2])):
        shown = browser.get(path).content.decode()
        assert "price of" in shown.lower()
        assert ".000000Z" not in shown
        assert not any(part.startswith(" from 20") and "T" in part[:20] for part in shown.split("sim/alpha")[1:])


@pytest.mark.parametrize(
    ("action", "noun", "name", "said"),
    [
        ("update", "alias", "fast", "Changed alias <strong>fast</strong>"),
        ("update", "default", "default_model", "Changed default model"),
        ("sign-in", "person", "a@example.com", "Signed in as <strong>a@example.com</strong>"),
        ("force-quit", "key", "<b>", "Force quit key <strong>&lt;b&gt;</strong>"),
    ],
)
def test_an_act_is_said_as_a_sentence(action, noun, name, said):
    assert acted(AuditEntry(action=action, object_type=noun, object_name=name)) == said


def test_a_refused_act_names_its_object():
    assert called(AuditEntry(action="update", object_type="price", object_name="a/x from 2026-01-01")) == (
        "price of a/x from 1 Jan 2026"
    )
