"""The panel "How it resolves now" and its what-if switches, on the pages of aliases, agents and services."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from llmadmin.accounts.services import create_service
from llmadmin.catalog.services import create_model, create_provider, update_model, update_provider
from llmadmin.config.services import change
from llmadmin.routing.services import create_alias, update_alias
from llmadmin.vault.services import add_key
from tests.console.traffic import keep, made


@pytest.fixture
def lab(catalogue, actor):
    """`fast` goes to sim/alpha, then to the model of another provider."""
    with change(by=actor):
        lab = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9/v1")
        create_model(lab, name="small")
        update_alias(catalogue.alias, targets=["sim/alpha", "lab/small"])
    return lab


def panel_of(answer):
    return answer.context["panel"]


def roles(answer) -> list[tuple[str, str]]:
    return [(row.step.name, row.step.role) for row in panel_of(answer).rows]


def fragment(browser, path: str, **query):
    return browser.get(path, query, headers={"HX-Request": "true", "HX-Target": "resolution"})


FAST = ["fast"]


def test_it_shows_the_order_of_a_save_at_once(catalogue, actor, browser):
    assert roles(browser.get(reverse("aliases:detail", args=FAST))) == [
        ("sim/alpha", "answers"),
        ("sim/beta", "fallback"),
    ]

    with change(by=actor):
        update_alias(catalogue.alias, targets=["sim/beta", "sim/alpha"])

    assert roles(browser.get(reverse("aliases:detail", args=FAST))) == [
        ("sim/beta", "answers"),
        ("sim/alpha", "fallback"),
    ]


def test_what_is_switched_off_stands_below_with_the_reason(catalogue, lab, actor, browser):
    with change(by=actor):
        update_model(catalogue.models[0], enabled=False)
    answer = browser.get(reverse("aliases:detail", args=FAST))

    assert roles(answer) == [("lab/small", "answers")]
    assert [(one.name, one.why) for one in panel_of(answer).withheld] == [("sim/alpha", "The model is switched off.")]

    with change(by=actor):
        update_provider(lab, enabled=False)
    page = browser.get(reverse("aliases:detail", args=FAST)).content.decode()
    assert "Nobody answers." in page
    assert "lab is switched off." in page


def test_a_target_without_a_key_that_it_needs_is_said_to_fail(catalogue, actor, browser):
    with change(by=actor):
        create_model(create_provider(slug="openai", kind="openai"), name="big")
        update_alias(catalogue.alias, targets=["openai/big", "sim/alpha"])

    answer = browser.get(reverse("aliases:detail", args=FAST))

    assert roles(answer) == [("openai/big", "fails"), ("sim/alpha", "answers")]


def test_a_switch_answers_with_the_panel_alone_and_stands_in_the_address(lab, browser):
    answer = fragment(browser, reverse("aliases:detail", args=FAST), without="provider:sim")

    page = answer.content.decode()
    assert page.strip().startswith('<div id="resolution"')
    assert roles(answer) == [("lab/small", "answers"), ("sim/alpha", "skipped")]
    assert re.search(r'value="provider:sim" checked', page)
    assert 'hx-replace-url="true"' in page

    whole = browser.get(reverse("aliases:detail", args=FAST), {"without": "provider:sim"})
    assert roles(whole) == roles(answer)
    assert "<title>" in whole.content.decode()


def test_a_provider_with_several_keys_has_a_switch_for_each(catalogue, lab, actor, browser):
    with change(by=actor):
        second = add_key(catalogue.provider, label="second", api_key="test-key-beta-0002")
    answer = fragment(browser, reverse("aliases:detail", args=FAST), without=f"key:{second.pk}")

    sim = next(one for one in panel_of(answer).switches if one.value == "provider:sim")
    assert {(one.label, one.is_on) for one in sim.inner} == {("main", False), ("second", True)}
    assert roles(answer)[0] == ("sim/alpha", "answers")

    both = [f"key:{second.pk}", f"key:{catalogue.key.pk}"]
    assert roles(fragment(browser, reverse("aliases:detail", args=FAST), without=both))[0] == ("lab/small", "answers")


def test_an_address_that_names_nothing_to_switch_off_is_refused_in_words(catalogue, browser):
    answer = browser.get(reverse("aliases:detail", args=FAST), {"without": "everything"})

    assert answer.status_code == 400
    assert "provider:SLUG" in answer.content.decode()


def test_an_agents_panel_says_where_each_parameter_comes_from(catalogue, actor, browser):
    from llmadmin.routing.services import update_agent

    with change(by=actor):
        update_alias(catalogue.alias, params={"temperature": 0.5, "max_tokens": 9})
        update_agent(catalogue.agent, params={"temperature": 0})

    page = browser.get(reverse("agents:detail", args=["coder"])).content.decode()

    assert 'title="From the agent; the alias says otherwise">temperature 0 <span>agent</span>' in page
    assert 'title="From the alias">max_tokens 9 <span>alias</span>' in page


def test_a_service_s_names_stand_with_who_answers_them(catalogue, lab, actor, browser):
    with change(by=actor):
        create_alias(name="solo", targets=["sim/beta"])
        create_service(name="shop", scopes=["gateway:call"], aliases=["fast"])
    keep(made(alias="solo", service="shop"), made(alias="gone", service="shop"))
    path = reverse("impact:resolve")

    now = browser.get(path, {"service": "shop"})
    without = fragment(browser, path, service="shop", without="provider:sim")

    board = now.context["board"]
    assert {row.name for row in board.rows} == {"fast", "solo", "gone"}
    assert [row.panel for row in board.rows if row.name == "gone"] == [None]
    assert board.unanswered == 0
    assert without.context["board"].unanswered == 1
    page = without.content.decode()
    assert "Nobody answers 1 of 3." in page
    assert '<input type="hidden" name="service" value="shop">' in page


def test_a_name_that_means_nothing_is_a_404_in_words(catalogue, browser):
    for query in ({"alias": "none"}, {"agent": "none"}, {"service": "none"}):
        assert browser.get(reverse("impact:resolve"), query).status_code == 404
    assert browser.get(reverse("impact:resolve")).status_code == 400


def test_g27_a_panel_asks_as_many_queries_for_ten_targets_as_for_two(catalogue, actor, queries_of):
    few = queries_of(reverse("aliases:detail", args=FAST))
    with change(by=actor):
        names = [create_model(catalogue.provider, name=f"m{number}").full_name for number in range(10)]
        update_alias(catalogue.alias, targets=names)

    assert queries_of(reverse("aliases:detail", args=FAST)) == few


def test_g27_a_service_s_board_asks_as_many_queries_for_twenty_names_as_for_two(catalogue, actor, queries_of):
    path = f"{reverse('impact:resolve')}?service=shop"
    with change(by=actor):
        create_service(name="shop", scopes=["gateway:call"], aliases=["fast", "coder"])
    few = queries_of(path)
    with change(by=actor):
        for number in range(20):
            model = create_model(catalogue.provider, name=f"m{number}")
            create_alias(name=f"a{number}", targets=[model.full_name])
    keep(*(made(number, alias=f"a{number}", service="shop") for number in range(20)))

    assert queries_of(path) == few


def test_the_snippets_carry_this_host_and_this_alias(catalogue, owner, signed_in):
    page = signed_in(owner).get(reverse("aliases:detail", args=FAST), headers={"host": "localhost"})

    curl, python = (code for _, code in page.context["snippets"])
    assert "http://localhost/v1/chat/completions" in curl
    assert '"model": "fast"' in curl
    assert 'base_url="http://localhost/v1"' in python
    assert 'model="fast"' in python
