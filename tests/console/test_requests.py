"""The explorer: every filter in the URL, newest first, page by page; and one call taken apart."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from tests.console.traffic import HOSTILE, broken, keep, made, many, saved

pytestmark = pytest.mark.django_db


def shown(page) -> list[str]:
    return [record.service for record in page.context["page"].rows]


def test_without_calls_the_page_says_what_will_stand_there(browser):
    page = browser.get("/requests/")

    assert page.status_code == 200
    assert b"No calls in this time" in page.content
    assert b"/playground/" in page.content


def test_the_newest_call_stands_first(browser):
    keep(made(50, service="old"), made(1, service="new"))

    assert shown(browser.get("/requests/")) == ["new", "old"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("service=web", ["web"]),
        ("provider=other", ["saved"]),
        ("status=seen", ["broken"]),
        ("status=absorbed", ["saved"]),
        ("status=error", ["broken"]),
        ("error_class=service", ["broken"]),
        ("min_cost=1", ["dear"]),
        ("min_latency=9000", ["slow"]),
        ("unpriced=on", ["free"]),
        ("agent=coder", ["agent"]),
        ("tried_class=rate_limit&tried_provider=sim", ["saved"]),
        ("service=nobody", []),
        ("min_cost=lots", ["web", "broken", "saved", "dear", "slow", "free", "agent"]),
    ],
)
def test_each_filter_finds_its_calls(browser, query, found):
    keep(
        made(1),
        broken(2, service="broken"),
        saved(3, service="saved"),
        made(4, service="dear", cost_usd=Decimal(5)),
        made(5, service="slow", latency_ms=9500.0),
        made(6, service="free", cost_usd=None),
        made(7, service="agent", agent="coder"),
    )

    assert shown(browser.get(f"/requests/?{query}")) == found


def test_a_name_that_no_longer_exists_stays_a_choice(browser):
    page = browser.get("/requests/?alias=gone")

    assert '<option value="gone" selected>' in page.content.decode()


def test_older_and_newer_go_through_all_calls_once(browser):
    keep(*(made(index, service=f"s{index}") for index in range(120)))
    seen, cursor = [], ""

    for _ in range(3):
        page = browser.get(f"/requests/?{f'cursor={cursor}' if cursor else ''}")
        seen += shown(page)
        cursor = page.context["page"].next_cursor

    assert seen == [f"s{index}" for index in range(120)]
    assert cursor is None
    assert shown(browser.get(f"/requests/?cursor={page.context['page'].previous_cursor}")) == seen[50:100]


def test_a_cursor_of_another_list_is_answered_with_a_sentence(browser):
    page = browser.get("/requests/?cursor=bogus")

    assert page.status_code == 200
    assert b"This cursor does not belong to this list" in page.content


def test_names_are_escaped(browser):
    entry = made(service=HOSTILE, alias=HOSTILE, user=HOSTILE, requested=HOSTILE)
    keep(entry)

    for path in ("/requests/", f"/requests/{entry.id}/"):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page
        assert "مساعد&lt;script&gt;" in page


def test_a_call_shows_its_tries_with_the_vendors_words(browser):
    entry = saved()
    keep(entry)

    page = browser.get(f"/requests/{entry.id}/")

    lines = page.context["timeline"].lines
    assert [(line.attempt.model, line.attempt.status, line.after_ms) for line in lines] == [
        ("sim/alpha", "error", 0),
        ("other/alpha", "ok", 1000),
    ]
    assert b"Overloaded" in page.content
    assert b"style=" not in page.content


def test_meters_times_rates_make_the_cost(browser):
    entry = made(
        input_tokens=1000,
        cached_input_tokens=500,
        output_tokens=200,
        rates={"input_usd_per_mtok": "3", "cached_input_usd_per_mtok": "0.3", "output_usd_per_mtok": "15"},
        cost_usd=Decimal("0.00615"),
    )
    keep(entry)

    page = browser.get(f"/requests/{entry.id}/")

    assert [(line.label, line.tokens, line.cost_usd) for line in page.context["lines"]] == [
        ("Input", 1000, Decimal("0.003")),
        ("Cached input", 500, Decimal("0.00015")),
        ("Output", 200, Decimal("0.003")),
    ]
    assert sum(line.cost_usd for line in page.context["lines"]) == entry.cost_usd
    assert page.context["tokens"] == 1700


def test_a_call_without_a_price_says_unknown_and_not_zero(browser):
    entry = made(cost_usd=None)
    keep(entry)

    assert b"the cost is unknown, not zero" in browser.get(f"/requests/{entry.id}/").content


def test_an_answer_from_the_cache_has_no_tries(browser):
    entry = made(is_cache_hit=True, attempts=[], attempt_count=0)
    keep(entry)

    assert b"the answer was in the cache" in browser.get(f"/requests/{entry.id}/").content


@pytest.mark.parametrize(
    ("fields", "model"), [({"agent": "coder"}, "agent%3Acoder"), ({}, "fast"), ({"alias": ""}, "sim%2Falpha")]
)
def test_a_call_opens_in_the_playground_under_the_name_that_was_asked(browser, fields, model):
    entry = made(**fields)
    keep(entry)

    assert f'href="/playground/?model={model}"' in browser.get(f"/requests/{entry.id}/").content.decode()


def test_an_unknown_call_is_a_404(browser):
    assert browser.get(f"/requests/{uuid.uuid4()}/").status_code == 404


def test_htmx_gets_the_list_without_the_frame(browser):
    fragment = browser.get("/requests/", headers={"hx-request": "true", "hx-target": "requests"}).content.decode()

    assert fragment.lstrip().startswith('<div id="requests"')


def test_g27_queries_do_not_grow_with_the_rows(browser, queries_of):
    many(4)
    few = queries_of("/requests/?range=30d")

    many(40)

    assert queries_of("/requests/?range=30d") == few
