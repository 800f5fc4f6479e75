"""What a change touches, in the foot of forms and on a page of its own; canaries and deprecations on the alias's page."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from llmadmin.accounts.models import Service
from llmadmin.accounts.services import create_service
from llmadmin.catalog.models import Price
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.console.impact.line import line_of
from llmadmin.routing.selectors import get_alias
from llmadmin.routing.services import create_alias, update_alias
from tests.console.traffic import NOW, keep, made

DETAIL = "aliases:detail"


@pytest.fixture
def used(catalogue, actor, browser):
    """Calls of last week through `fast`, one of them of the agent."""
    with change(by=actor):
        create_service(name="shop", scopes=["gateway:call"], aliases=["fast"])
    keep(
        made(
            alias="fast",
            agent="coder",
            service="shop",
            model="sim/alpha",
            cost_usd=Decimal("1.25"),
            key_id=catalogue.key.pk,
        ),
        made(alias="fast", service="desk", model="sim/alpha", cost_usd=Decimal(2)),
    )
    return catalogue


def line_on(page: str) -> str:
    found = re.search(r'<p class="impact">(.*?)</p>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def test_the_line_counts_what_is_touched_and_what_it_cost(used):
    assert line_of(used.models[0]).text == "Touches 1 alias, 1 agent and 2 services · $3.25 last week"
    assert line_of(used.alias).text == "Touches 1 agent and 2 services · $3.25 last week"
    assert line_of(used.agent).text == "Touches 1 service · $1.25 last week"
    assert line_of(Service.objects.get(name="shop")).text == "$1.25 last week"
    assert line_of(used.provider).text == "Touches 2 models, 1 alias, 1 agent and 2 services · $3.25 last week"


def test_what_nothing_uses_says_so(catalogue, actor, browser):
    from llmadmin.catalog.services import create_model

    with change(by=actor):
        lonely = create_model(catalogue.provider, name="lonely")

    assert line_of(lonely).text == "Nothing uses it yet."
    assert line_of(catalogue.models[0]).text == "Touches 1 alias and 1 agent · no calls last week"


def test_unpriced_calls_are_never_said_to_be_free(catalogue, browser):
    keep(made(alias="fast", cost_usd=None))
    assert line_of(catalogue.alias).text == "Touches 1 agent and 1 service · 1 call last week, unpriced"

    keep(made(alias="fast"))
    assert line_of(catalogue.alias).text.endswith("$0.01 last week, 1 call unpriced")


def test_every_form_and_every_deletion_carries_the_line(used, actor, browser):
    service = Service.objects.get(name="shop")
    model, key = used.models[0], used.key
    forms = {
        used.provider: [reverse(f"providers:{page}", args=["sim"]) for page in ("edit", "delete")],
        model: [reverse(f"models:{page}", args=[model.pk]) for page in ("edit", "delete", "detail")],
        key: [reverse(f"keys:{page}", args=[key.pk]) for page in ("edit", "delete")],
        used.alias: [reverse(f"aliases:{page}", args=["fast"]) for page in ("edit", "delete", "canary")],
        used.agent: [reverse(f"agents:{page}", args=["coder"]) for page in ("edit", "delete")],
        service: [reverse(f"services:{page}", args=["shop"]) for page in ("edit", "delete")],
    }
    for subject, paths in forms.items():
        for path in paths:
            assert line_on(browser.get(path).content.decode()) == line_of(subject).text, path


def test_each_word_of_the_line_opens_what_it_counts(used, browser):
    line = line_of(used.models[0])

    assert [one.url.rpartition("#")[2] for one in line.touched] == ["aliases", "agents", "services"]
    page = browser.get(line.touched[0].url).content.decode()
    assert all(f'id="{anchor}"' in page for anchor in ("aliases", "agents", "services"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(line.served.url).query).items()}
    assert (asked["model"], asked["from"], asked["to"]) == ("sim/alpha", "2026-03-03T13:00Z", "2026-03-10T13:00Z")
    rows = browser.get(line.served.url).content.decode()
    assert "shop" in rows
    assert "desk" in rows


def test_the_page_of_the_impact_names_each_with_its_calls_and_spend(used, browser):
    page = browser.get(reverse("impact:page"), {"model": str(used.models[0].pk)}).content.decode()

    assert 'href="/aliases/fast/"' in page
    assert 'href="/services/shop/"' in page
    assert 'href="/services/desk/"' not in page  # it is gone, or never was an object: its calls stand all the same
    assert "granted by name, calls it" in page
    assert "$1.25" in page


@pytest.mark.parametrize("query", ["", "alias=", "alias=fast&model=x", "colour=red"])
def test_the_page_of_the_impact_asks_for_one_object(query, browser):
    assert browser.get(f"{reverse('impact:page')}?{query}").status_code == 400


def test_a_price_has_an_impact_too(used, browser):
    price = Price.objects.get(model=used.models[0])

    assert browser.get(reverse("impact:page"), {"price": str(price.pk)}).status_code == 200


# Canaries


@pytest.fixture
def trial(catalogue, actor, browser):
    with change(by=actor):
        update_alias(catalogue.alias, targets=["sim/alpha"])
    return catalogue.alias


def begin(browser, **fields):
    data = {"model": "sim/beta", "share_percent": "5", "params": "", "revision": get_alias("fast").revision}
    return browser.post(reverse("aliases:canary", args=["fast"]), {**data, **fields})


def test_a_trial_is_begun_on_a_form_and_stands_on_the_page(trial, browser):
    answer = begin(browser, share_percent="12.5", why="It is cheaper")

    assert (answer.status_code, latest().why) == (302, "It is cheaper")
    page = browser.get(reverse(DETAIL, args=["fast"])).content.decode()
    assert "12.5 % of the calls try" in page
    assert "Too few calls to say" in page
    assert 'class="chip chip-accent">canary' in page


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": "sim/none"}, "There is no model"),
        ({"model": "sim/alpha"}, "a target already"),
        ({"share_percent": "0"}, "above 0"),
        ({"share_percent": "much"}, "Enter a number"),
        ({"params": "{"}, "not JSON"),
    ],
    ids=["unknown", "a target", "no share", "no number", "no JSON"],
)
def test_a_wrong_trial_is_told_at_its_field(fields, says, trial, browser):
    answer = begin(browser, **fields)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert get_alias("fast").canary is None


def test_both_sides_stand_beside_each_other_with_what_can_be_said(trial, browser):
    begin(browser)
    keep(
        *(made(1 - n / 100, started_at=NOW, alias="fast", side="canary", latency_ms=100.0) for n in range(40)),
        *(made(started_at=NOW, alias="fast", side="stable", latency_ms=900.0) for n in range(60)),
    )

    page = browser.get(reverse(DETAIL, args=["fast"])).content.decode()

    assert '<td class="is-better">100 ms</td><td>900 ms</td>' in page
    assert "Answers faster: chance would show this in fewer than 1 of 100 trials." in page
    assert "Costs as much, as far as 40 calls can tell: the difference can be chance." in page


@pytest.mark.parametrize(
    ("act", "word", "targets"),
    [("promote", "promoted", ["sim/beta", "sim/alpha"]), ("drop", "dropped", ["sim/alpha"])],
    ids=["promote", "drop"],
)
def test_one_click_ends_the_trial_with_the_figures_as_its_reason(act, word, targets, trial, browser):
    begin(browser)
    page = browser.get(reverse(DETAIL, args=["fast"])).content.decode()
    reason = re.search(rf'name="why" value="(Canary sim/beta {word}[^"]*)"', page)[1]
    revision = get_alias("fast").revision

    answer = browser.post(reverse(f"aliases:{act}", args=["fast"]), {"revision": revision, "why": reason})

    assert answer.status_code == 302
    assert [one.model.full_name for one in get_alias("fast").targets.all()] == targets
    assert latest().why == f"Canary sim/beta {word}: 0 calls, – failed against 0 calls, – failed"


def test_g16_a_trial_that_somebody_else_changed_is_not_ended_by_an_old_page(trial, browser):
    begin(browser)

    answer = browser.post(reverse("aliases:promote", args=["fast"]), {"revision": "1"})

    assert answer.status_code == 409
    assert get_alias("fast").canary


def test_a_viewer_sees_both_sides_and_no_button(trial, browser, viewer, signed_in):
    begin(browser)
    theirs = signed_in(viewer)

    page = theirs.get(reverse(DETAIL, args=["fast"])).content.decode()

    assert "The others" in page
    assert "Promote" not in page
    assert theirs.post(reverse("aliases:promote", args=["fast"])).status_code == 403
    assert theirs.get(reverse("aliases:canary", args=["fast"])).status_code == 403


def test_the_list_shows_which_aliases_have_one(trial, browser):
    begin(browser)

    assert "canary 5 %" in browser.get(reverse("aliases:list")).content.decode()


# Aliases that are to go


def form_of(name: str, **fields):
    alias = get_alias(name)
    return {
        "name": name, "strategy": alias.strategy, "cache_ttl_s": "0", "params": "", "description": "",
        "revision": alias.revision, "target_model": ["sim/alpha"], "target_weight": ["1"], "target_params": [""],
        **fields,
    }  # fmt: skip


def test_an_alias_is_deprecated_on_its_form(catalogue, actor, browser):
    with change(by=actor):
        create_alias(name="smart", targets=["sim/beta"])
    path = reverse("aliases:edit", args=["fast"])

    saved = browser.post(
        path, form_of("fast", replacement="smart", sunset_at="2026-06-01T00:00", after_sunset="refuse")
    )

    assert saved.status_code == 302
    alias = get_alias("fast")
    assert (alias.replacement, alias.deprecated) == ("smart", "Use smart instead. It ends on 2026-06-01.")
    assert (alias.deprecated_at, alias.after_sunset) == (NOW.replace(microsecond=0), "refuse")
    page = browser.get(reverse(DETAIL, args=["fast"])).content.decode()
    assert "Nobody has called it in the last 90 days: it can go." in page

    browser.post(path, form_of("fast"))
    assert get_alias("fast").deprecated is None


def test_a_replacement_that_is_not_there_is_told_at_its_field(catalogue, browser):
    answer = browser.post(reverse("aliases:edit", args=["fast"]), form_of("fast", replacement="none"))

    assert answer.status_code == 422
    assert answer.context["form"].errors["replacement"] == ["There is no alias 'none'. Name one that is there."]


def test_who_still_calls_a_deprecated_alias_stands_on_its_page(catalogue, actor, browser):
    with change(by=actor):
        update_alias(
            catalogue.alias, deprecated="Use another.", sunset_at=NOW - dt.timedelta(days=1), after_sunset="refuse"
        )
    keep(made(alias="fast", service="shop"), made(60 * 24 * 20, alias="fast", service="old"))

    answer = browser.get(reverse(DETAIL, args=["fast"]))

    assert [(one.service, one.calls) for one in answer.context["callers"]] == [("shop", 1), ("old", 0)]
    page = answer.content.decode()
    assert "Still called by 2 services" in page
    assert "Callers get 410" in page
