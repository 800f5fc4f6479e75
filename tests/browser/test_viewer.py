"""A viewer sees everything and can change nothing: no buttons on the pages, refusals behind them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.stand import Stand

pytestmark = pytest.mark.browser

READ_ONLY = (
    "/providers/",
    "/providers/sim/",
    "/models/",
    "/aliases/",
    "/agents/",
    "/services/",
    "/versions/",
    "/audit/",
)
CHANGES = (
    "Add",
    "Edit",
    "Delete",
    "Rotate",
    "Restore",
    "New",
    "Test connection",
    "Set",
    "Make default",
    "Issue",
    "Stop",
    "Promote",
    "Drop",
    "Drain",
    "Try",
    "Take over",
)
REFUSED = (
    "/providers/-/add/?kind=local",
    "/providers/sim/edit/",
    "/providers/sim/delete/",
    "/aliases/-/add/",
    "/services/-/add/",
)


@pytest.mark.parametrize("path", READ_ONLY)
def test_a_viewer_reads_and_is_offered_no_change(viewer_page: Page, stand: Stand, path: str) -> None:
    answer = viewer_page.goto(path)

    assert answer is not None
    assert answer.status == 200
    main = viewer_page.get_by_role("main")
    offered = [*main.get_by_role("button").all_inner_texts(), *main.get_by_role("link").all_inner_texts()]
    assert [words for words in offered if f"{words.strip()} ".startswith(tuple(f"{one} " for one in CHANGES))] == []


@pytest.mark.parametrize("path", REFUSED)
def test_a_viewer_who_types_the_address_is_refused_in_words(viewer_page: Page, path: str) -> None:
    answer = viewer_page.goto(path)

    assert answer is not None
    assert answer.status == 403
    expect(viewer_page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_a_viewer_s_own_post_is_refused_and_audited(viewer_page: Page, stand: Stand) -> None:
    alias = stand.alias()
    viewer_page.goto(f"/aliases/{alias}/")
    token = next(one["value"] for one in viewer_page.context.cookies() if one["name"] == "csrftoken")

    answer = viewer_page.request.post(
        f"/aliases/-/delete/{alias}/", form={"csrfmiddlewaretoken": token}, headers={"Referer": viewer_page.url}
    )

    assert answer.status == 403
    assert stand.admin.get(f"aliases/{alias}/")["name"] == alias
    assert any(entry["was_refused"] for entry in stand.admin.get("audit/")["results"])
