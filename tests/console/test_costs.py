"""The cost page: sums that agree, any dimension, filters in the URL, and a CSV that says the same."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest

from llmadmin.console import formats
from llmadmin.usage.selectors import overview_figures
from tests.console.traffic import HOSTILE, NOW, keep, made, many

pytestmark = [
    pytest.mark.django_db,
    # The test client is synchronous; the server streams.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
DIMENSIONS = ["provider", "model", "alias", "agent", "service"]


def read_csv(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response).decode())))


def test_without_a_provider_the_page_says_what_to_do_first(browser):
    page = browser.get("/costs/")

    assert page.status_code == 200
    assert b"Nothing was spent yet" in page.content
    assert b"/providers/-/add/" in page.content


def test_without_calls_it_leads_to_the_playground(browser, catalogue):
    page = browser.get("/costs/")

    assert b"No calls in the last 30 days" in page.content


def test_one_call_is_a_whole_page(browser):
    keep(made(cost_usd=Decimal("0.1234")))

    page = browser.get("/costs/")

    assert page.context["table"].total.cost_usd == Decimal("0.1234")
    assert b"$0.12" in page.content
    assert b"<svg" in page.content


@pytest.mark.parametrize("by", DIMENSIONS)
def test_rows_chart_and_total_agree(browser, by):
    many(24)

    context = browser.get(f"/costs/?by={by}&range=7d").context

    total = context["table"].total
    assert sum(line.row.totals.cost_usd for line in context["lines"]) == total.cost_usd > 0
    assert sum(line.row.totals.calls for line in context["lines"]) == total.calls == 24
    assert sum(line.row.totals.unpriced_calls for line in context["lines"]) == total.unpriced_calls == 6
    assert sum(sum(one.values) for one in context["figure"].series) == total.cost_usd
    assert context["figure"].total == formats.usd(total.cost_usd)


@pytest.mark.parametrize("by", DIMENSIONS)
def test_the_export_says_what_the_table_says(browser, by):
    many(24)
    page = browser.get(f"/costs/?by={by}&range=7d")

    rows = read_csv(browser.get(page.context["export_url"]))

    *lines, total = rows
    assert [(row[by], int(row["calls"]), row["unpriced_calls"]) for row in lines] == [
        (line.name, line.row.totals.calls, str(line.row.totals.unpriced_calls)) for line in page.context["lines"]
    ]
    assert sum(Decimal(row["cost_usd"] or 0) for row in lines) == Decimal(total["cost_usd"])
    assert Decimal(total["cost_usd"]) == page.context["table"].total.cost_usd


def test_a_name_that_a_spreadsheet_would_run_is_quoted(browser):
    keep(made(service="=HYPERLINK(1)"))

    rows = read_csv(browser.get("/costs/export.csv?by=service"))

    assert rows[0]["service"] == "'=HYPERLINK(1)"


def test_a_filter_narrows_every_figure_and_can_be_taken_away(browser):
    keep(made(service="web"), made(service="batch", cost_usd=Decimal(2)))

    page = browser.get("/costs/?by=model&service=batch")

    assert page.context["table"].total.cost_usd == 2
    [(label, value, without)] = page.context["chips"]
    assert (label, value) == ("Service", "batch")
    assert "service=" not in without


def test_the_change_compares_the_same_part_of_the_period_before(browser):
    keep(
        made(cost_usd=Decimal(3)),
        made(60 * 24 * 30, cost_usd=Decimal(2)),
        made(60 * 24 * 30 - 240, cost_usd=Decimal(50)),
    )

    page = browser.get("/costs/?range=30d")

    assert page.context["table"].previous.cost_usd == 2
    assert page.context["change"].text == "+50 %"


@pytest.mark.parametrize(("range_name", "figure"), [("7d", "week"), ("30d", "month")])
def test_the_overview_and_the_cost_page_show_the_same_sums(browser, range_name, figure):
    keep(*(made(60 * 24 * days + minutes, cost_usd=Decimal(days + 1)) for days in range(61) for minutes in (5, 700)))

    table = browser.get(f"/costs/?range={range_name}").context["table"]

    period = getattr(overview_figures(NOW), figure)
    assert (period.totals.cost_usd, period.previous.cost_usd) == (table.total.cost_usd, table.previous.cost_usd)


def test_days_can_be_chosen_both_included(browser):
    keep(made(), made(60 * 24), made(60 * 48))

    page = browser.get("/costs/?range=custom&from=2026-03-08&to=2026-03-09")

    assert page.context["table"].total.calls == 2
    assert b"8 Mar 2026 to 9 Mar 2026" in page.content


@pytest.mark.parametrize(
    "query", ["range=soon", "range=custom&from=x", "from=2020-01-01&to=2026-01-01", "from=0001-01-01&to=0001-01-02"]
)
def test_a_range_that_makes_no_sense_falls_back_and_says_so(browser, query):
    page = browser.get(f"/costs/?{query}")

    assert page.status_code == 200
    assert b"this is the last 30 days" in page.content


def test_unpriced_calls_lead_to_the_model_that_lacks_a_price(browser, catalogue):
    keep(made(cost_usd=None), made(cost_usd=None), made(model="sim/unknown", cost_usd=None))

    page = browser.get("/costs/")

    assert [(one["usage"].model, one["usage"].calls, one["href"]) for one in page.context["unpriced"]] == [
        ("sim/alpha", 2, f"/models/{catalogue.models[0].pk}/"),
        ("sim/unknown", 1, "/models/"),
    ]
    assert b"It is not zero" in page.content
    assert page.context["figure"].note == "3 calls have no price and are not in this sum."


def test_names_are_escaped(browser):
    keep(made(service=HOSTILE))

    page = browser.get("/costs/?by=service").content.decode()

    assert "<script>alert" not in page
    assert "مساعد&lt;script&gt;" in page


def test_sorting_turns_the_rows_around(browser):
    keep(made(service="b", cost_usd=Decimal(1)), made(service="a", cost_usd=Decimal(2)))

    names = {
        sort: [line.name for line in browser.get(f"/costs/?by=service&sort={sort}").context["lines"]]
        for sort in ("name", "cost", "-cost", "junk")
    }

    assert names == {"name": ["a", "b"], "cost": ["b", "a"], "-cost": ["a", "b"], "junk": ["a", "b"]}


def test_htmx_gets_the_figures_without_the_frame(browser):
    keep(made())

    fragment = browser.get("/costs/", headers={"hx-request": "true", "hx-target": "costs"}).content.decode()

    assert fragment.lstrip().startswith('<div id="costs"')
    assert "<html" not in fragment


def test_g27_queries_do_not_grow_with_the_rows(browser, queries_of):
    many(4)
    few = queries_of("/costs/?by=model")

    many(40)

    assert queries_of("/costs/?by=model") == few


def test_a_viewer_may_look(frozen, viewer, signed_in):
    assert signed_in(viewer).get("/costs/").status_code == 200


def test_nobody_looks_without_signing_in(client, owner):
    assert client.get("/costs/").status_code == 302


def test_a_day_has_its_own_link_to_the_calls(browser):
    keep(made())

    figure = browser.get("/costs/?range=7d").context["figure"]

    assert figure.points[-1].href == "/requests/?range=custom&from=2026-03-10&to=2026-03-10"
    assert figure.points[0].label == f"{NOW - timedelta(days=6):%a %-d %b %Y}"
