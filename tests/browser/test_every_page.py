"""What holds on every page: WCAG 2.2 AA by axe in light and dark, no sideways scrolling at 390 px, the keyboard.

That no page breaks the content policy or logs an error is asserted at the end of every browser test, see `Profiles`.
"""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Profiles
from tests.browser.people import OWNER
from tests.journeys.stand import HELLO, Stand, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OUTSIDE = ("/accounts/login/",)


@pytest.fixture(scope="module")
def places(furnished: Stand) -> list[str]:
    """Every main page, with something on it: the lists, a detail of each noun, its forms, and the two that nobody likes."""
    furnished.mend()
    alias, key = furnished.alias(), furnished.service("gateway:call")
    furnished.admin.patch(
        f"aliases/{alias}/", {"canary": {"model": "sim/sim-small", "share_percent": 1, "params": {"seed": 1}}}
    )
    furnished.admin.post("agents/", {"name": "coder", "alias": alias, "params": {"temperature": 0.2}})
    furnished.client(key).chat.completions.create(model=alias, messages=HELLO)
    furnished.simulator.set("sim-large", status=503)
    furnished.client(key).chat.completions.create(model=alias, messages=HELLO)
    furnished.mend()
    record = furnished.records(alias, count=2)[0]
    service = furnished.admin.get("services/")["results"][0]["name"]
    model = furnished.admin.get("models/")["results"][0]["id"]
    stored_key = furnished.admin.get("keys/")["results"][0]["id"]
    until(lambda: furnished.admin.get("usage/summary/")["total"]["calls"], "the calls are rolled up", within_s=40)
    return [
        "/", "/playground/", "/requests/", f"/requests/{record['id']}/", "/costs/", "/errors/",
        "/providers/", "/providers/sim/", "/providers/sim/edit/", "/providers/sim/delete/", "/providers/-/add/",
        "/providers/-/add/?kind=openai", "/providers/sim/keys/add/", "/providers/sim/models/live/",
        f"/keys/{stored_key}/", f"/keys/{stored_key}/rotate/", "/models/", f"/models/{model}/", f"/models/{model}/edit/",
        "/aliases/", f"/aliases/{alias}/", f"/aliases/-/edit/{alias}/", "/aliases/-/add/",
        f"/aliases/-/canary/{alias}/", "/impact/?provider=sim", f"/impact/resolve/?alias={alias}",
        f"/impact/resolve/?service={service}&without=provider:sim",
        "/agents/", "/agents/coder/", "/agents/-/edit/coder/", "/services/", f"/services/{service}/", "/services/-/add/",
        "/versions/", "/versions/3/", "/audit/", "/audit/1/", "/settings/", "/settings/transfer/", "/settings/encryption/", "/nowhere/",
        f"/keys/{stored_key}/rotation/", "/switches/", "/switches/-/stop/?scope=everything", "/webhooks/",
        "/webhooks/-/add/", "/versions/2/restore/",
        "/people/", "/people/invite/", "/people/sign-in/", "/people/2/", "/people/2/remove/", "/teams/", "/teams/-/add/",
        "/account/", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/webauthn/",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_wcag_2_2_aa(
    profiles: Profiles, stand: Stand, signed_in: dict[str, Any], places: list[str], scheme: str
) -> None:
    page = profiles.open(
        stand.server.url, storage_state=signed_in[OWNER.email], color_scheme=scheme, bypass_csp=True
    ).new_page()
    outside = profiles.open(stand.server.url, color_scheme=scheme, bypass_csp=True).new_page()
    found: list[str] = []

    for path in places:
        found += _violations(page, path)
    for path in OUTSIDE:
        found += _violations(outside, path)

    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_appears_on_a_page_keeps_to_wcag_too(
    profiles: Profiles, stand: Stand, signed_in: dict[str, Any], scheme: str
) -> None:
    page = profiles.open(
        stand.server.url, storage_state=signed_in[OWNER.email], color_scheme=scheme, bypass_csp=True
    ).new_page()
    found: list[str] = []

    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("option").first).to_be_visible()
    found += _violations_here(page, "palette")

    stand.simulator.set("sim-large", status=503)
    page.goto(f"/playground/?model={stand.alias()}")
    page.get_by_label("Message").fill("Hello")
    page.get_by_label("Message").press("Control+Enter")
    expect(page.get_by_role("article")).to_have_attribute("data-state", "done")
    found += _violations_here(page, "answer with a fallback")

    stand.simulator.set("*", status=401)
    page.goto("/providers/sim/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("main").get_by_role("alert").or_(page.get_by_text("sim answers."))).to_be_visible()
    found += _violations_here(page, "report")

    page.goto("/aliases/-/add/")
    page.get_by_role("button", name="Add alias").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    found += _violations_here(page, "form with mistakes")

    assert found == []


def _violations(page: Page, path: str) -> list[str]:
    page.goto(path)
    return _violations_here(page, path)


def _violations_here(page: Page, place: str) -> list[str]:
    answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    return [
        f"{place}: {one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in answer.response["violations"]
        for node in one["nodes"][:3]
    ]


def test_no_page_scrolls_sideways_at_390_px(
    profiles: Profiles, stand: Stand, signed_in: dict[str, Any], places: list[str]
) -> None:
    page = profiles.open(
        stand.server.url, storage_state=signed_in[OWNER.email], width=390, height=800, has_touch=True
    ).new_page()
    too_wide: dict[str, int] = {}

    for path in places:
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            too_wide[path] = over

    assert too_wide == {}


def test_slash_opens_the_palette_and_enter_goes(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    page.goto("/")

    page.keyboard.press("/")
    palette = page.get_by_role("dialog", name="Search and commands")
    expect(palette).to_be_visible()
    page.keyboard.type(alias)
    expect(palette.get_by_role("option", name=alias)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=alias, level=1)).to_be_visible()


def test_escape_closes_the_palette_and_a_slash_in_a_field_is_a_slash(page: Page) -> None:
    page.goto("/playground/")
    palette = page.get_by_role("dialog", name="Search and commands")

    page.keyboard.press("Control+k")
    expect(palette).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.get_by_label("Message").press_sequentially("a/b")

    expect(page.get_by_label("Message")).to_have_value("a/b")
    expect(palette).to_be_hidden()


def test_the_theme_switch_holds_on_the_next_page(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    with page.expect_response("**/settings/theme/"):
        page.get_by_role("button", name="Switch between light and dark").click()

    page.goto("/aliases/")

    assert page.locator("html").get_attribute("data-theme") == "dark"
    with page.expect_response("**/settings/theme/"):
        page.get_by_role("button", name="Switch between light and dark").click()


def test_at_390_px_the_menu_opens_as_a_drawer(profiles: Profiles, stand: Stand, signed_in: dict[str, Any]) -> None:
    page = profiles.open(stand.server.url, storage_state=signed_in[OWNER.email], width=390, height=800).new_page()
    page.goto("/")

    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("link", name="Costs").click()

    expect(page.get_by_role("heading", name="Costs", level=1)).to_be_visible()
