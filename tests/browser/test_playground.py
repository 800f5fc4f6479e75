"""The playground: text as it comes, the keyboard, and what stays when someone stops it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.playground import Answer, is_text_growing, run_to_the_end
from tests.journeys.stand import Stand

pytestmark = pytest.mark.browser

SLOWLY = "Tell me of rivers [simulate: chunk_delay_ms=30; words=60]"
FOR_LONG = "Tell me of rivers [simulate: chunk_delay_ms=50; words=1500]"


def _open(page: Page, alias: str, prompt: str) -> None:
    page.goto(f"/playground/?model={alias}")
    page.get_by_label("Runs on").select_option(alias)
    page.get_by_label("Message").fill(prompt)


def test_ctrl_enter_runs_and_the_text_comes_piece_by_piece(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    _open(page, alias, SLOWLY)

    page.get_by_label("Message").press("Control+Enter")
    answer = run_to_the_end(page)

    assert answer.figure("Answered by") == "sim/sim-large"
    [record] = stand.records(alias, count=1)
    assert (record["service"], record["status"], record["is_stream"]) == ("playground", "ok", True)


def test_escape_stops_the_run_and_its_record_says_cancelled(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    _open(page, alias, FOR_LONG)

    page.get_by_label("Message").press("Control+Enter")
    answer = Answer(page)
    expect(answer.text).to_contain_text("simulated answer")
    assert is_text_growing(answer.text)
    page.keyboard.press("Escape")

    expect(answer.column).to_have_attribute("data-state", "stopped")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    assert not is_text_growing(answer.text)
    [record] = stand.records(alias, count=1)
    assert record["status"] == "cancelled"
    assert 0 < record["output_tokens"] < 1500


def test_a_fallback_shows_both_tries_with_the_vendor_s_words(page: Page, stand: Stand) -> None:
    alias = stand.alias()
    stand.simulator.set("sim-large", status=503)
    _open(page, alias, SLOWLY)

    page.get_by_role("button", name="Run", exact=True).click()
    answer = run_to_the_end(page)

    assert answer.figure("Answered by") == "sim/sim-small"
    expect(answer.tries).to_have_count(2)
    expect(answer.tries.nth(0)).to_contain_text("Simulated failure 503")


def test_an_answer_that_is_cut_off_ends_in_words_not_in_silence(page: Page, stand: Stand) -> None:
    alias = stand.alias("sim-small")
    stand.simulator.set("sim-small", cut_after=8)
    _open(page, alias, "Tell me of rivers")

    page.get_by_role("button", name="Run", exact=True).click()

    answer = Answer(page)
    expect(answer.text).to_contain_text("simulated answer")
    expect(answer.column).to_contain_text("was cut")
    expect(answer.tries).to_have_count(1)
    [record] = stand.records(alias, count=1)
    assert record["status"] == "truncated"


def test_two_answers_stand_beside_each_other(page: Page, stand: Stand) -> None:
    _open(page, stand.alias(), SLOWLY)
    page.get_by_role("button", name="Compare with another").click()
    page.get_by_label("Compared with").select_option("sim/sim-small")

    page.get_by_role("button", name="Run", exact=True).click()

    columns = page.get_by_role("article")
    expect(columns).to_have_count(2)
    for place, model in enumerate(("sim-large", "sim-small")):
        expect(columns.nth(place)).to_have_attribute("data-state", "done")
        expect(columns.nth(place)).to_contain_text(f"answer by {model}")


def test_an_empty_message_is_asked_for(page: Page, stand: Stand) -> None:
    _open(page, stand.alias(), "")

    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.get_by_text("Write a message first.")).to_be_visible()
