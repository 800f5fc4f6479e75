"""A stranger's first hour: from an empty server to a prompt answered through an alias, its cost, and an absorbed error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from llmadmin.simulator.server import SimulatorServer
from tests.browser.conftest import Profiles
from tests.browser.people import OWNER, PASSWORD
from tests.browser.playground import run_to_the_end
from tests.journeys.stand import UPSTREAM_KEY, until
from tests.live.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SLOWLY = "Tell me of rivers [simulate: chunk_delay_ms=30; words=60]"


@pytest.fixture
def fresh() -> Iterator[ServerProcess]:
    with ServerProcess() as running:
        yield running


def test_from_an_empty_server_to_a_call_its_cost_and_a_fallback(
    fresh: ServerProcess, profiles: Profiles, simulator: SimulatorServer
) -> None:
    page = profiles.open(fresh.url).new_page()

    _set_up(page, fresh.setup_token)
    _add_provider(page, simulator)
    _test_connection(page)
    _add_models(page)
    _set_price(page, "sim-large", input_usd="10", output_usd="20")
    _set_price(page, "sim-small", input_usd="1", output_usd="2")
    _make_alias(page)
    _run_in_playground(page)
    simulator.set("sim-large", status=503)
    _run_again_and_fall_back(page)
    simulator.set("sim-large")
    cost_usd = _sum_of_records(page)
    _read_costs(page, cost_usd)
    _read_errors(page)
    _read_requests(page)


def _set_up(page: Page, token: str) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/setup/$"))
    page.get_by_label("Setup token").fill("not-the-token")
    page.get_by_label("E-mail address").fill(OWNER.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create owner").click()
    expect(page.get_by_text("This is not the setup token.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value(OWNER.email)

    page.get_by_label("Setup token").fill(token)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create owner").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(page.get_by_text("0 of 5 done")).to_be_visible()


def _add_provider(page: Page, simulator: SimulatorServer) -> None:
    page.get_by_role("link", name="Add a provider").click()
    page.get_by_role("main").get_by_role("link", name="OpenAI-compatible server").click()
    page.get_by_label("API key").fill(UPSTREAM_KEY)
    page.get_by_label("Name", exact=False).and_(page.locator("#id_slug")).fill("sim")
    page.get_by_label("Base URL").fill(simulator.base_url)
    page.get_by_label("Retries").fill("0")
    page.get_by_role("button", name="Add provider").click()
    expect(page.get_by_role("heading", name="sim", level=1)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("as v")
    expect(page.get_by_role("main")).to_contain_text(f"…{UPSTREAM_KEY[-4:]}")
    assert UPSTREAM_KEY not in page.content()


def _test_connection(page: Page) -> None:
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("sim answers.")).to_be_visible()


def _add_models(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Add from sim")).click()
    for name in ("sim-large", "sim-small"):
        page.get_by_label(name, exact=True).check()
    page.get_by_role("button", name="Add chosen models").click()
    for name in ("sim-large", "sim-small"):
        expect(page.get_by_role("main").get_by_role("link", name=name, exact=True)).to_be_visible()


def _set_price(page: Page, model: str, *, input_usd: str, output_usd: str) -> None:
    page.goto("/models/")
    page.get_by_role("main").get_by_role("link", name=re.compile(model)).first.click()
    page.get_by_label(re.compile("^Input")).fill(input_usd)
    page.get_by_label(re.compile("^Output")).fill(output_usd)
    page.get_by_role("button", name="Set price").click()
    expect(page.get_by_role("heading", name="Price history")).to_be_visible()


def _make_alias(page: Page) -> None:
    page.goto("/aliases/")
    page.get_by_role("link", name="Add alias").click()
    page.get_by_label("Name", exact=False).and_(page.locator("#id_name")).fill("rivers")
    page.get_by_label("Model of target 1").fill("sim/sim-large")
    page.get_by_role("button", name="Add target").click()
    page.get_by_label("Model of target 2").fill("sim/sim-small")
    page.get_by_role("button", name="Add alias").click()
    expect(page.get_by_role("heading", name="rivers", level=1)).to_be_visible()
    expect(page.get_by_role("heading", name="How it resolves now")).to_be_visible()


def _run_in_playground(page: Page) -> None:
    page.get_by_role("link", name="Playground").first.click()
    page.get_by_label("Runs on").select_option("rivers")
    page.get_by_label("Message").fill(SLOWLY)
    page.get_by_role("button", name="Run", exact=True).click()
    answer = run_to_the_end(page)
    assert answer.figure("Answered by") == "sim/sim-large"
    assert answer.figure("Tokens out") == "60"
    assert answer.figure("Cost").startswith("$0.00")
    for label in ("Time", "First token", "Tokens in"):
        assert re.match(r"\d", answer.figure(label)), label
    expect(answer.tries).to_have_count(1)


def _run_again_and_fall_back(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    answer = run_to_the_end(page)
    assert answer.figure("Answered by") == "sim/sim-small"
    expect(answer.tries).to_have_count(2)
    expect(answer.tries.nth(0)).to_contain_text("HTTP 503")
    expect(answer.tries.nth(1)).to_contain_text("sim/sim-small")


def _sum_of_records(page: Page) -> Decimal:
    """What REST says the calls cost, asked with the owner's own session, once the roll-up has both."""

    def summed() -> Decimal | None:
        total = page.request.get("/api/v1/usage/summary/?group_by=alias").json()["total"]
        return Decimal(total["cost_usd"]) if total["calls"] == 2 else None

    until(lambda: len(page.request.get("/api/v1/usage/").json()["results"]) == 2, "both calls are recorded")
    rows = page.request.get("/api/v1/usage/").json()["results"]
    total_usd = until(summed, "the summary has both calls", within_s=40)
    assert total_usd == sum(Decimal(row["cost_usd"]) for row in rows) > 0
    return total_usd


def _read_costs(page: Page, cost_usd: Decimal) -> None:
    page.get_by_role("link", name="Costs").first.click()
    expect(page.get_by_role("heading", name="Costs", level=1)).to_be_visible()
    total = page.get_by_role("row", name=re.compile("^Total 2 "))
    until(lambda: page.reload() and total.count(), "the roll-up that the cost page reads has both calls", within_s=40)
    expect(total.get_by_title(re.compile(re.escape(f"{cost_usd.normalize():f}"))).first).to_be_visible()
    page.get_by_role("navigation", name="Group by").get_by_role("link", name="Alias").click()
    expect(page.get_by_role("heading", name="By alias")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("rivers"))).to_be_visible()


def _read_errors(page: Page) -> None:
    page.get_by_role("link", name="Errors", exact=True).first.click()
    line = page.get_by_role("row", name=re.compile("Simulated failure 503"))
    expect(line).to_be_visible()
    expect(line).to_contain_text("sim")
    expect(page.get_by_text("1 absorbed")).to_be_visible()


def _read_requests(page: Page) -> None:
    page.get_by_role("link", name="Requests").first.click()
    rows = page.get_by_role("main").get_by_role("row", name=re.compile("rivers"))
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Tries")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Simulated failure 503")
    expect(page.get_by_role("main")).to_contain_text("sim/sim-small")
