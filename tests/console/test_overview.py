"""The overview: first what to do, then spend, health and errors at one glance."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from llmadmin.accounts.services import create_service, issue_key
from llmadmin.config.services import change
from tests.console.traffic import HOSTILE, broken, keep, made, many, saved

pytestmark = pytest.mark.django_db


def test_a_fresh_installation_shows_five_steps_with_the_first_one_next(browser):
    page = browser.get("/")

    assert [(step.title, step.is_done, step.is_next) for step in page.context["steps"]] == [
        ("Add a provider", False, True),
        ("Enter its API key", False, False),
        ("Make an alias", False, False),
        ("Issue a service key", False, False),
        ("Make the first call", False, False),
    ]
    assert b"0 of 5 done" in page.content


def test_steps_are_ticked_off_as_they_are_done(browser, catalogue):
    page = browser.get("/")

    assert [step.is_done for step in page.context["steps"]] == [True, True, True, False, False]
    assert page.context["steps"][3].is_next


def test_the_steps_go_when_the_last_is_done(browser, catalogue, actor):
    with change(by=actor):
        issue_key(create_service(name="web", scopes=["gateway:call"]))
    keep(made())

    page = browser.get("/")

    assert page.context["is_set_up"]
    assert b"First steps" not in page.content


def test_one_call_fills_the_page(browser):
    keep(made(cost_usd=Decimal("1.5")))

    page = browser.get("/")

    assert [tile.period.totals.cost_usd for tile in page.context["spend_tiles"]] == [Decimal("1.5")] * 3
    assert b"$1.50" in page.content


def test_each_spend_tile_opens_a_page_with_the_same_sum(browser):
    keep(*(made(60 * 24 * days + minutes, cost_usd=Decimal(days + 1)) for days in range(61) for minutes in (5, 700)))

    tiles = browser.get("/").context["spend_tiles"]

    for tile in tiles:
        table = browser.get(tile.href).context["table"]
        assert (table.total.cost_usd, table.previous.cost_usd) == (
            tile.period.totals.cost_usd,
            tile.period.previous.cost_usd,
        )


def test_the_chart_adds_up_to_the_tile_of_30_days(browser):
    many(40)

    context = browser.get("/").context

    month = context["spend_tiles"][2].period.totals
    assert sum(sum(one.values) for one in context["spend"].series) == month.cost_usd > 0


def test_errors_that_callers_saw_stand_beside_those_absorbed(browser):
    keep(made(), broken(), saved())

    page = browser.get("/")

    assert page.context["figures"].day.totals.errors == 1
    assert page.context["figures"].absorbed_tries == 1
    assert len(browser.get(page.context["seen_url"]).context["page"].rows) == 1
    assert len(browser.get(page.context["absorbed_url"]).context["page"].rows) == 1


def test_each_provider_has_96_cells_and_a_cell_opens_its_calls(browser):
    keep(made(), broken(5, provider="down", model="down/alpha"), made(60 * 10))

    rows = {row.health.provider: row for row in browser.get("/").context["health_rows"]}

    assert [(one.health.attempts, one.health.failures) for one in (rows["sim"], rows["down"])] == [(2, 0), (1, 1)]
    strip = ET.fromstring(rows["sim"].strip)
    assert len(strip) == 96
    links = [cell.get("href") for cell in strip if cell.get("href")]
    assert [len(browser.get(link).context["page"].rows) for link in links] == [1, 1]


def test_the_last_changes_say_what_changed(browser, catalogue):
    changes = browser.get("/").context["changes"]

    assert [one.words for one in changes] == ["A catalogue for a test"]


def test_a_change_without_a_reason_names_its_object(browser, catalogue, actor):
    from llmadmin.routing.services import create_alias

    with change(by=actor):
        create_alias(name="slow", targets=[{"model": "sim/beta"}])

    assert "slow" in browser.get("/").context["changes"][0].words


def test_names_are_escaped(browser):
    keep(made(alias=HOSTILE, provider="sim"))

    page = browser.get("/").content.decode()

    assert "<script>alert" not in page
    assert "مساعد&lt;script&gt;" in page


def test_a_viewer_may_look(frozen, viewer, signed_in):
    keep(made())

    assert signed_in(viewer).get("/").status_code == 200


def test_g27_queries_do_not_grow_with_the_rows(browser, queries_of):
    many(4)
    few = queries_of("/")

    many(60)

    assert queries_of("/") == few
