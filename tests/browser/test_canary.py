"""What if, a trial and its end, as people do them: switches, one click, and the way back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.stand import Stand

pytestmark = pytest.mark.browser


def test_a_what_if_switch_shows_where_calls_would_go_and_stands_in_the_address(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    page.goto(f"/aliases/{alias}/")
    panel = page.locator("#resolution")
    expect(panel).to_contain_text("First choice.")

    panel.get_by_role("checkbox").first.check()

    expect(panel).to_contain_text("Nobody answers.")
    expect(page).to_have_url(re.compile("without=provider"))
    page.reload()
    expect(panel).to_contain_text("Nobody answers.")
    panel.get_by_role("checkbox").first.uncheck()
    expect(panel).to_contain_text("First choice.")


def test_a_trial_is_begun_promoted_with_one_click_and_undone(page: Page, stand: Stand) -> None:
    alias = stand.alias("sim-large")
    page.goto(f"/aliases/{alias}/")
    page.get_by_role("link", name="Try a model").click()
    page.get_by_label("Model on trial").fill("sim/sim-small")
    page.get_by_label("Share of the calls").fill("20")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("region", name="Canary")).to_contain_text("20 % of the calls try sim/sim-small first")

    page.get_by_role("button", name="Promote").click()

    expect(page.get_by_role("status").first).to_contain_text("Canary promoted")
    chain = page.locator("#resolution .step-name")
    expect(chain.first).to_contain_text("sim/sim-small")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    page.goto(f"/aliases/{alias}/")
    expect(page.get_by_role("region", name="Canary")).to_contain_text("20 % of the calls")


def test_the_line_under_a_form_opens_what_it_counts(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    page.goto(f"/aliases/-/edit/{alias}/")
    expect(page.locator(".impact")).to_be_visible()

    page.goto("/providers/sim/edit/")
    page.locator(".impact").get_by_role("link", name=re.compile("alias")).click()

    expect(page.get_by_role("heading", name=re.compile("What a change of"))).to_be_visible()
    expect(page.get_by_role("region", name=re.compile("^Aliases"))).to_contain_text(alias)
