"""What a change would touch: the configuration's word and last week's calls, put together."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine

from llmadmin.accounts.models import Service
from llmadmin.accounts.services import create_service
from llmadmin.catalog.models import Price
from llmadmin.catalog.services import create_model
from llmadmin.config.services import change
from llmadmin.core.errors import MissingError
from llmadmin.impact.touching import find_subject, impact_of
from llmadmin.routing.services import create_agent, create_alias, update_alias
from llmadmin.usage.services import roll_up_stale, store
from tests.console.traffic import NOW, keep, made

WEEK = 7 * 24 * 60


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def touched(subject, noun: str) -> dict[str, tuple[int, Decimal | None]]:
    return {one.name: (one.calls, one.cost_usd) for one in getattr(impact_of(subject), noun)}


def test_a_model_touches_its_aliases_their_agents_and_who_called_through_it(catalogue):
    keep(
        made(model="sim/alpha", alias="fast", agent="coder", service="shop"),
        made(model="sim/alpha", alias="fast", service="desk", cost_usd=Decimal("0.04")),
        made(model="sim/beta", alias="fast", service="kiosk"),
    )

    found = impact_of(catalogue.models[0])

    assert [(one.name, one.calls, one.cost_usd) for one in found.aliases] == [("fast", 2, Decimal("0.05"))]
    assert [(one.name, one.calls) for one in found.agents] == [("coder", 1)]
    assert [(one.name, one.calls) for one in found.services] == [("desk", 1), ("shop", 1)]
    assert (found.calls, found.cost_usd) == (2, Decimal("0.05"))


def test_what_nobody_has_called_yet_is_named_all_the_same(catalogue):
    found = impact_of(catalogue.provider)

    assert found.models == 2
    assert [(one.name, one.calls, one.is_configured) for one in found.aliases] == [("fast", 0, True)]
    assert [one.name for one in found.agents] == ["coder"]
    assert (found.calls, found.cost_usd) == (0, Decimal(0))


def test_a_name_that_is_gone_from_the_config_but_called_last_week_is_named(catalogue):
    keep(made(alias="gone", service="shop"))

    assert ("gone", False) in [(one.name, one.is_configured) for one in impact_of(catalogue.models[0]).aliases]


def test_only_the_last_seven_days_count(catalogue):
    keep(made(minutes_ago=WEEK + 120), made(minutes_ago=WEEK - 120))

    assert impact_of(catalogue.alias).calls == 1


def test_calls_that_the_rollup_does_not_know_yet_count_too(catalogue):
    keep(made(alias="fast"))
    store([made(1, alias="fast", service="late")])

    assert touched(catalogue.alias, "services") == {"web": (1, Decimal("0.01")), "late": (1, Decimal("0.01"))}
    roll_up_stale()
    assert touched(catalogue.alias, "services") == {"web": (1, Decimal("0.01")), "late": (1, Decimal("0.01"))}


def test_an_unpriced_call_is_no_cost_and_is_counted(catalogue):
    keep(made(alias="fast", cost_usd=None))

    found = impact_of(catalogue.alias)

    assert (found.cost_usd, found.unpriced_calls) == (None, 1)
    assert found.services[0].cost_usd is None


def test_a_canary_leads_to_its_model_as_a_target_does(catalogue, actor):
    with change(by=actor):
        gamma = create_model(catalogue.provider, name="gamma")
        update_alias(catalogue.alias, canary={"model": "sim/gamma", "share_percent": 5})

    assert [one.name for one in impact_of(gamma).aliases] == ["fast"]


def test_a_key_counts_the_calls_that_it_carried(catalogue):
    keep(made(key_id=catalogue.key.pk), made())

    found = impact_of(catalogue.key)

    assert (found.name, found.calls) == ("sim/main", 1)
    assert [one.name for one in found.aliases] == ["fast"]


def test_a_price_touches_what_its_model_does(catalogue):
    keep(made(model="sim/alpha"), made(model="sim/beta"))

    found = impact_of(Price.objects.get(model=catalogue.models[0]))

    assert (found.kind, found.name, found.calls) == ("price", "sim/alpha", 1)


def test_services_are_touched_by_their_grants_and_open_ones_are_counted_apart(catalogue, actor):
    with change(by=actor):
        create_service(name="shop", scopes=["gateway:call"], aliases=["fast"])
        create_service(name="desk", scopes=["gateway:call"], aliases=["coder"])
        create_service(name="open", scopes=["gateway:call"])
        create_service(name="caller", scopes=["gateway:call"])
    keep(made(alias="fast", service="caller"))

    found = impact_of(catalogue.alias)

    assert {one.name for one in found.services} == {"shop", "desk", "caller"}
    assert found.open_services == 1


def test_an_agent_touches_who_called_it(catalogue):
    keep(made(agent="coder", service="shop"), made(service="desk"))

    found = impact_of(catalogue.agent)

    assert ([one.name for one in found.services], found.calls) == (["shop"], 1)


def test_a_service_touches_what_it_calls_and_may_call(catalogue, actor):
    with change(by=actor):
        create_alias(name="slow", targets=["sim/beta"])
        create_agent(name="clerk", alias="slow")
        create_service(name="shop", scopes=["gateway:call"], aliases=["slow", "clerk"])
    keep(made(alias="fast", service="shop"), made(alias="fast", service="desk"))

    found = impact_of(Service.objects.get(name="shop"))

    assert {(one.name, one.calls) for one in found.aliases} == {("fast", 1), ("slow", 0)}
    assert [one.name for one in found.agents] == ["clerk"]
    assert ([one.name for one in found.services], found.calls, found.open_services) == (["shop"], 1, 0)


def test_what_nothing_uses_touches_nothing(catalogue, actor):
    with change(by=actor):
        lonely = create_model(catalogue.provider, name="lonely")

    assert impact_of(lonely).is_nothing


@pytest.mark.parametrize(
    ("kind", "name"),
    [("provider", "sim"), ("model", "sim/alpha"), ("alias", "fast"), ("agent", "coder")],
)
def test_a_subject_is_found_by_its_name(kind, name, catalogue):
    assert impact_of(find_subject(kind, name)).name == name
    with pytest.raises(MissingError):
        find_subject(kind, "none")


def test_g27_the_number_of_queries_does_not_grow_with_what_is_touched(catalogue, actor, django_assert_max_num_queries):
    with change(by=actor):
        for number in range(40):
            create_alias(name=f"a{number}", targets=["sim/alpha"])
            create_agent(name=f"g{number}", alias=f"a{number}")
    keep(*(made(number, alias=f"a{number}", service=f"s{number}") for number in range(40)))

    with django_assert_max_num_queries(8):
        assert len(impact_of(catalogue.provider).aliases) == 41
