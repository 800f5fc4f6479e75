"""G32: "Test connection" tells what is wrong apart, and says what to do."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, expect

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.stand import Stand

pytestmark = pytest.mark.browser


def _provider(stand: Stand, base_url: str, *, api_key: str = "") -> str:
    slug = f"lab-{uuid.uuid4().hex[:6]}"
    stand.admin.post("providers/", {"slug": slug, "kind": "local", "base_url": base_url, "max_retries": 0})
    if api_key:
        stand.admin.post("keys/", {"provider": slug, "label": "main", "api_key": api_key})
    return slug


def _test(page: Page, slug: str) -> None:
    page.goto(f"/providers/{slug}/")
    page.get_by_role("button", name="Test connection").click()


def test_g32_a_stopped_server_is_a_refused_connection(page: Page, stand: Stand) -> None:
    with SimulatorServer() as gone:
        slug = _provider(stand, gone.base_url)
    _test(page, slug)

    expect(page.get_by_role("alert")).to_contain_text("The connection was refused")
    steps = page.get_by_role("list", name="How far the test came")
    expect(steps.get_by_role("listitem").filter(has_text="failed")).to_have_count(1)


def test_g32_a_host_without_an_address_is_told_by_name(page: Page, stand: Stand) -> None:
    _test(page, _provider(stand, "http://no-such-host.invalid/v1"))

    expect(page.get_by_role("alert")).to_contain_text("The host was not found")
    expect(page.get_by_role("alert")).to_contain_text("no-such-host.invalid")


def test_g32_a_wrong_key_is_told_apart_and_stays_unsaid(page: Page, stand: Stand) -> None:
    _test(page, _provider(stand, stand.simulator.base_url, api_key="test-key-that-is-wrong"))

    expect(page.get_by_role("alert")).to_contain_text("The key was not accepted")
    assert "test-key-that-is-wrong" not in page.content()


def test_g32_a_server_that_answers_is_said_to_answer(page: Page, stand: Stand) -> None:
    page.goto("/providers/sim/")
    page.get_by_role("button", name="Test connection").click()

    expect(page.get_by_text("sim answers.")).to_be_visible()


def test_a_wrong_address_is_refused_at_its_field_and_what_was_typed_stays(page: Page) -> None:
    page.goto("/providers/-/add/?kind=local")
    page.locator("#id_slug").fill("typed")
    page.get_by_label("Base URL").fill("ftp://127.0.0.1/v1")
    page.get_by_role("button", name="Add provider").click()

    expect(page.get_by_label("Base URL")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Base URL")).to_have_value("ftp://127.0.0.1/v1")
    expect(page.locator("#id_slug")).to_have_value("typed")
