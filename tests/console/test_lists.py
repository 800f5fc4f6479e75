"""Lists ask the database the same number of questions for 3 rows and for 30 (G27)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from llmadmin.accounts.services import create_service, issue_key
from llmadmin.catalog.services import create_model, create_provider, set_price
from llmadmin.config.services import change
from llmadmin.routing.services import create_agent, create_alias
from llmadmin.vault.services import add_key
from tests.console.traffic import keep, made


def add_rows(actor, *, first: int, last: int) -> None:
    with change(by=actor):
        for number in range(first, last):
            provider = create_provider(slug=f"p{number}", kind="local", base_url="http://127.0.0.1:9/v1")
            add_key(provider, label="main", api_key=f"test-key-{number:04d}")
            model = create_model(provider, name="alpha", capabilities=["chat"])
            set_price(model, input_usd_per_mtok="1", output_usd_per_mtok="2")
            create_alias(name=f"a{number}", targets=[{"model": f"p{number}/alpha"}])
            create_agent(name=f"g{number}", alias=f"a{number}")
            service = create_service(name=f"s{number}", scopes=["gateway:call"])
            issue_key(service)
    for number in range(first, last):
        with change(by=actor):
            create_alias(name=f"v{number}", targets=[{"model": f"p{number}/alpha"}])


@pytest.mark.parametrize("noun", ["providers", "models", "aliases", "agents", "services", "versions", "audit"])
def test_a_list_s_queries_do_not_grow_with_its_rows(noun, actor, queries_of):
    path = reverse(f"{noun}:list")
    add_rows(actor, first=0, last=3)
    few = queries_of(path)

    add_rows(actor, first=3, last=30)

    assert queries_of(path) == few
    assert few <= 20


def test_the_pages_of_one_object_do_not_ask_more_with_more_objects(catalogue, actor, queries_of):
    paths = [
        reverse("providers:detail", args=["sim"]),
        reverse("aliases:detail", args=["fast"]),
        reverse("agents:detail", args=["coder"]),
    ]
    few = [queries_of(path) for path in paths]

    add_rows(actor, first=0, last=20)

    assert [queries_of(path) for path in paths] == few


def test_a_long_list_is_paged_and_leads_back(actor, browser):
    with change(by=actor):
        provider = create_provider(slug="p", kind="local", base_url="http://127.0.0.1:9/v1")
        for number in range(120):
            create_model(provider, name=f"m{number:03d}")

    first = browser.get(reverse("models:list")).context["page"]
    second = browser.get(reverse("models:list"), {"cursor": first.next_cursor}).context["page"]

    assert [len(first.rows), len(second.rows)] == [100, 20]
    assert first.previous_cursor is None
    assert second.next_cursor is None
    assert second.previous_cursor


def test_a_search_keeps_what_matches(catalogue, browser):
    def names(query: str) -> list[str]:
        return [row.model.full_name for row in browser.get(reverse("models:list"), {"q": query}).context["rows"]]

    assert names("ALPHA") == ["sim/alpha"]
    assert names("sim/b") == ["sim/beta"]
    assert names("%") == []
    assert len(names("sim")) == 2


def test_the_palette_finds_pages_and_objects(catalogue, browser):
    def found(query: str) -> list[str]:
        groups = browser.get(reverse("search"), {"q": query}).context["groups"]
        return [f"{label}: {hit.label}" for label, hits in groups for hit in hits]

    assert found("fast") == ["Aliases: fast"]
    assert found("coder") == ["Agents: coder"]
    assert found("sim/al") == ["Models: alpha"]
    assert "Pages: Providers" in found("prov")
    assert "Nothing is named like" in browser.get(reverse("search"), {"q": "nothing like it"}).content.decode()


def test_an_empty_list_says_what_to_do_next_and_a_viewer_is_not_sent_where_they_may_not_go(owner, viewer, signed_in):
    page = signed_in(owner).get(reverse("providers:list")).content.decode()
    seen_by_viewer = signed_in(viewer).get(reverse("providers:list")).content.decode()

    assert "No provider yet" in page
    assert reverse("providers:add") in page
    assert "No provider yet" in seen_by_viewer
    assert reverse("providers:add") not in seen_by_viewer


def test_providers_show_their_spend_by_day_as_a_line(catalogue, browser):
    keep(made(provider="sim", model="sim/alpha"))

    page = browser.get(reverse("providers:list")).content.decode()

    assert 'aria-label="Spend of sim by day, the last 7 days"' in page
