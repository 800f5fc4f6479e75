"""Changes that can be seen, undone and not overwritten: versions, the toast's Undo, two tabs, things in use."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import OWNER
from tests.journeys.stand import Stand

pytestmark = pytest.mark.browser


def _targets(stand: Stand, alias: str) -> list[str]:
    return [one["model"] for one in stand.admin.get(f"aliases/{alias}/")["targets"]]


def _drop_second_target(page: Page, alias: str, *, why: str = "") -> None:
    page.goto(f"/aliases/-/edit/{alias}/")
    page.get_by_role("button", name="Remove target").nth(1).click()
    page.get_by_label(re.compile("^Why")).fill(why)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=alias, level=1)).to_be_visible()


def test_g13_a_version_says_who_what_and_why_and_shows_both_sides(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    _drop_second_target(page, alias, why="The small one is retired")

    page.get_by_role("link", name="See diff").click()

    expect(page.get_by_role("main")).to_contain_text(f"{OWNER.email.partition('@')[0]}", ignore_case=True)
    expect(page.get_by_role("main")).to_contain_text("The small one is retired")
    block = page.get_by_role("region", name=re.compile(f"alias {alias}"))
    expect(block.locator("del").first).to_contain_text("sim-small")
    page.goto("/versions/")
    expect(page.get_by_role("row", name=re.compile("The small one is retired"))).to_contain_text(alias)


def test_undo_in_the_toast_restores_what_was(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    _drop_second_target(page, alias)
    assert _targets(stand, alias) == ["sim/sim-large"]

    page.get_by_role("status").get_by_role("button", name="Undo").click()

    expect(page.get_by_role("status").first).to_contain_text(re.compile("v\\d+"))
    assert _targets(stand, alias) == ["sim/sim-large", "sim/sim-small"]


def test_an_older_version_can_be_restored_from_its_page(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    version = stand.admin.get("config/")["version"]
    _drop_second_target(page, alias)

    page.goto(f"/versions/{version}/")
    page.get_by_role("link", name="Restore this version").click()
    page.get_by_role("button", name="Restore this version").click()

    expect(page.get_by_text("running")).to_be_visible()
    assert _targets(stand, alias) == ["sim/sim-large", "sim/sim-small"]


def test_a_provider_in_use_is_not_deleted_and_what_uses_it_is_linked(page: Page, stand: Stand) -> None:
    page.goto("/providers/sim/")
    page.get_by_role("link", name="Delete provider").click()

    page.get_by_role("button", name="Delete provider").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(page.get_by_role("alert").get_by_role("link", name=re.compile("sim-large"))).to_be_visible()
    assert stand.admin.get("providers/sim/")["slug"] == "sim"


def test_an_alias_in_use_is_not_deleted_and_its_agent_is_linked(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    stand.admin.post("agents/", {"name": f"agent-{alias}", "alias": alias})
    page.goto(f"/aliases/-/delete/{alias}/")

    page.get_by_role("button", name="Delete alias").click()

    page.get_by_role("alert").get_by_role("link", name=re.compile(f"agent-{alias}")).click()
    expect(page.get_by_role("heading", name=f"agent-{alias}", level=1)).to_be_visible()


def test_g16_a_form_that_became_stale_says_who_changed_it_and_keeps_what_was_typed(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"/aliases/-/edit/{alias}/")
    other.get_by_label("Description").fill("theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("heading", name=alias, level=1)).to_be_visible()

    page.get_by_label("Description").fill("mine")
    page.get_by_role("button", name="Save").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile(r"changed this"))
    expect(alert).to_contain_text(re.compile(OWNER.email.partition("@")[0], re.IGNORECASE))
    expect(alert).to_contain_text("theirs")
    expect(page.get_by_label("Description")).to_have_value("mine")
    assert stand.admin.get(f"aliases/{alias}/")["description"] == "theirs"
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=alias, level=1)).to_be_visible()
    assert stand.admin.get(f"aliases/{alias}/")["description"] == "mine"


def test_an_alias_as_target_is_refused_at_its_row(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    page.goto("/aliases/-/add/")
    page.locator("#id_name").fill("loop")
    page.get_by_label("Model of target 1").fill(alias)

    page.get_by_role("button", name="Add alias").click()

    expect(page.get_by_label("Model of target 1")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Model of target 1")).to_have_value(alias)
    expect(page.locator("#id_name")).to_have_value("loop")


def test_an_alias_edited_in_the_browser_is_in_force_for_services(page: Page, stand: Stand) -> None:
    alias, client = stand.alias(), stand.client(stand.service("gateway:call"))
    page.goto(f"/aliases/-/edit/{alias}/")
    page.get_by_role("button", name="Move down").first.click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text(re.compile("saved as v\\d+"))

    page.wait_for_timeout(1000)
    answer = client.chat.completions.with_raw_response.create(model=alias, messages=[{"role": "user", "content": "Hi"}])

    assert answer.headers["x-llmadmin-model"] == "sim/sim-small"
