"""The error page: what callers saw apart from what was absorbed, each number with the calls behind it."""

from __future__ import annotations

import pytest

from llmadmin.console.errors.advice import ADVICE, advice_for, title_of
from providers.errors import ERROR_CLASS_NAMES
from tests.console.traffic import HOSTILE, broken, keep, made, many, saved

pytestmark = pytest.mark.django_db


def test_without_calls_the_page_says_so(browser):
    page = browser.get("/errors/")

    assert page.status_code == 200
    assert b"No calls in this time" in page.content


def test_with_calls_and_no_error_it_is_good_news(browser):
    keep(made())

    page = browser.get("/errors/")

    assert b"No caller saw an error in this time." in page.content
    assert page.context["lines"] == []


def test_absorbed_tries_stand_apart_from_those_that_callers_saw(browser):
    keep(made(), made(), broken(), saved())

    context = browser.get("/errors/").context

    assert (context["table"].total.errors, context["recovered"]) == (1, 1)
    assert (context["table"].attempts, context["table"].absorbed, context["tries"]) == (2, 1, 5)
    assert [(one.name, one.total) for one in context["seen"].series] == [("Service", "1")]
    assert [(one.name, one.total) for one in context["absorbed"].series] == [("Rate limit", "1")]
    assert (context["seen"].total, context["absorbed"].total) == ("20.0 %", "20.0 %")


def test_the_rows_add_up_to_the_totals(browser):
    many(40)

    context = browser.get("/errors/").context

    table = context["table"]
    assert sum(line.row.attempts for line in context["lines"]) == table.attempts == 20
    assert sum(line.row.calls for line in context["lines"]) == table.total.errors == 10
    assert sum(line.row.absorbed for line in context["lines"]) == context["recovered"] == 10
    assert sum(one.attempts for one in context["guidance"]) == 20


def test_each_number_opens_as_many_calls_as_it_says(browser):
    keep(
        made(), broken(), broken(error_class="timeout"), saved(), saved(error_class="service"), broken(provider="other")
    )

    lines = browser.get("/errors/").context["lines"]

    for line in lines:
        for href, number in (
            (line.tries_href, line.row.attempts),
            (line.calls_href, line.row.calls),
            (line.absorbed_href, line.row.absorbed),
        ):
            assert len(browser.get(href).context["page"].rows) == number, (line.title, href)


def test_the_vendors_words_are_quoted_escaped_and_lead_to_their_call(browser):
    entry = broken(message=f"Bad {HOSTILE}")
    keep(entry)

    page = browser.get("/errors/")

    assert page.context["lines"][0].example_href == f"/requests/{entry.id}/"
    assert "<script>alert" not in page.content.decode()
    assert "Bad مساعد&lt;script&gt;" in page.content.decode()


def test_a_class_filters_the_page_and_goes_again_with_a_second_click(browser):
    keep(made(), broken(), broken(error_class="timeout"))
    series = {one.name: one for one in browser.get("/errors/").context["seen"].series}

    context = browser.get(series["Timeout"].href).context

    assert [line.title for line in context["lines"]] == ["Timeout"]
    [chosen] = context["seen"].series
    assert chosen.is_chosen
    assert "error_class" not in chosen.href
    assert context["calls"] == 3


def test_every_class_of_the_provider_layer_has_advice():
    assert set(ERROR_CLASS_NAMES) == set(ADVICE)
    assert advice_for("something new").act
    assert title_of("something_new") == "Something new"


def test_htmx_gets_the_figures_without_the_frame(browser):
    fragment = browser.get("/errors/", headers={"hx-request": "true", "hx-target": "errors"}).content.decode()

    assert fragment.lstrip().startswith('<div id="errors"')


def test_g27_queries_do_not_grow_with_the_rows(browser, queries_of):
    many(4)
    few = queries_of("/errors/")

    many(40)

    assert queries_of("/errors/") == few
