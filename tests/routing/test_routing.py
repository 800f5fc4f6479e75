"""Aliases with their targets, agents, and the default."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction

from llmadmin.accounts.services import create_service
from llmadmin.audit.actor import Actor
from llmadmin.catalog.services import create_model, create_provider
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError, InUseError, InvalidError, MissingError, StaleError
from llmadmin.routing.models import Alias, Target
from llmadmin.routing.selectors import agents, aliases, default_name, get_agent, get_alias
from llmadmin.routing.services import (
    create_agent,
    create_alias,
    delete_agent,
    delete_alias,
    set_default,
    update_agent,
    update_alias,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def acting(actor: Actor) -> Iterator[None]:
    with change(by=actor):
        lab = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000")
        for name in ("one", "two", "three"):
            create_model(lab, name=name)
        yield


def targets_of(name: str) -> list[tuple[str, int, dict[str, object]]]:
    return [(one.model.full_name, one.weight, one.params) for one in get_alias(name).targets.all()]


def test_targets_keep_their_order_weights_and_params() -> None:
    create_alias(
        name="gpt-4.1",
        strategy="weighted",
        targets=[
            {"model": "lab/two", "weight": 3, "params": {"seed": 1}},
            "lab/one",
            {"model": "lab/three", "weight": 0},
        ],
    )

    assert targets_of("gpt-4.1") == [("lab/two", 3, {"seed": 1}), ("lab/one", 1, {}), ("lab/three", 0, {})]


def test_an_alias_may_be_called_as_a_model_is() -> None:
    create_alias(name="lab/one", targets=["lab/two"])
    create_alias(name="other", targets=["lab/one"])

    assert targets_of("other") == [("lab/one", 1, {})]


@pytest.mark.parametrize(
    ("targets", "path", "says"),
    [
        ([{"model": "fast"}], "targets.0.model", "is itself an alias"),
        (["lab/one", "lab/none"], "targets.1.model", "no model 'lab/none'"),
        (["lab/one", "lab/one"], "targets.1.model", "already"),
        ([{"model": "lab/one", "weight": -1}], "targets.0.weight", "between 0 and 1000"),
        ([{"model": "lab/one", "weight": 0}], "targets", "above 0"),
        ([{"model": "lab/one", "params": {"api_key": "test-key-alpha"}}], "targets.0.params.api_key", "API keys"),
        ([{"model": "lab/one", "colour": 1}], "targets.0.colour", "no field"),
        ([{}], "targets.0.model", "Name a model"),
        ([None], "targets.0.model", "Name a model"),
        ([{"model": {"name": "lab/one"}}], "targets.0.model", "Name a model"),
        ([], "targets", "at least one"),
        ("lab/one", "targets", "at least one"),
    ],
)
def test_a_wrong_target_is_named_with_its_place(targets: object, path: str, says: str) -> None:
    create_alias(name="fast", targets=["lab/one"])

    with pytest.raises(InvalidError) as problem:
        create_alias(name="next", targets=targets)

    assert set(problem.value.fields) == {path}
    assert says in problem.value.fields[path]
    assert Alias.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "agent:coder"}, "name"),
        ({"name": "two words"}, "name"),
        ({"strategy": "guess"}, "strategy"),
        ({"cache_ttl_s": -1}, "cache_ttl_s"),
        ({"params": [1]}, "params"),
        ({"deprecated": {"replacement": "x"}}, "deprecated"),
    ],
)
def test_a_wrong_field_of_an_alias_is_named(fields: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidError) as problem:
        create_alias(**{"name": "fast", "targets": ["lab/one"], **fields})

    assert set(problem.value.fields) == {path}


def test_new_targets_replace_the_old_and_are_audited() -> None:
    alias = create_alias(name="fast", targets=["lab/one", "lab/two"])

    updated = update_alias(alias, expected_revision=1, targets=["lab/two", "lab/one"])

    assert updated.revision == 2
    assert [name for name, _, _ in targets_of("fast")] == ["lab/two", "lab/one"]
    assert update_alias(updated, targets=["lab/two", "lab/one"]).revision == 2


def test_an_edit_of_something_else_keeps_the_targets() -> None:
    alias = create_alias(name="fast", targets=["lab/one"])

    update_alias(alias, description="Quick ones", deprecated="Use smart instead.")

    assert targets_of("fast") == [("lab/one", 1, {})]
    assert get_alias("fast").deprecated == "Use smart instead."


def test_g16_a_stale_edit_is_refused() -> None:
    alias = create_alias(name="fast", targets=["lab/one"])
    update_alias(alias, cache_ttl_s=5)

    with pytest.raises(StaleError):
        update_alias(alias, expected_revision=1, targets=["lab/two"])
    with pytest.raises(StaleError):
        delete_alias(alias, expected_revision=1)
    assert targets_of("fast") == [("lab/one", 1, {})]


def test_an_alias_that_is_needed_stays_and_names_who_needs_it() -> None:
    alias = create_alias(name="fast", targets=["lab/one"])
    create_agent(name="coder", alias="fast")
    create_service(name="shop", scopes=["gateway:call"], aliases=["fast"])
    set_default("fast")

    with pytest.raises(InUseError) as problem:
        delete_alias(alias)

    assert problem.value.dependents == ["agent coder", "service shop", "the default model"]
    with pytest.raises(InUseError, match="service shop"):
        update_alias(alias, name="quick")


def test_an_alias_goes_with_its_targets() -> None:
    delete_alias(create_alias(name="fast", targets=["lab/one"]))

    assert not Target.objects.exists()
    with pytest.raises(MissingError):
        get_alias("fast")


def test_a_name_is_taken_once() -> None:
    alias = create_alias(name="fast", targets=["lab/one"])
    create_agent(name="coder", alias=alias)

    with pytest.raises(ConflictError):
        create_alias(name="fast", targets=["lab/one"])
    with pytest.raises(ConflictError):
        create_agent(name="coder", alias=alias)


def test_an_agent_runs_on_an_alias_that_exists() -> None:
    create_alias(name="fast", targets=["lab/one"])
    agent = create_agent(name="coder", alias="fast", params={"seed": 1}, headers={"X-Agent": "coder"})

    with pytest.raises(InvalidError) as problem:
        update_agent(agent, alias="lab/one")
    assert "alias" in problem.value.fields
    assert update_agent(agent, expected_revision=1, params={}).revision == 2
    with pytest.raises(StaleError):
        delete_agent(agent, expected_revision=1)
    delete_agent(agent)

    with pytest.raises(MissingError):
        get_agent("coder")


def test_the_default_is_an_alias_else_a_model_and_at_most_one() -> None:
    create_alias(name="fast", targets=["lab/one"])

    set_default("lab/two")
    assert default_name() == "lab/two"
    set_default("fast")
    assert default_name() == "fast"
    with pytest.raises(InvalidError):
        set_default("nothing")
    set_default(None)
    assert default_name() == ""


def test_the_database_itself_refuses_a_second_default_and_a_doubled_target() -> None:
    alias = create_alias(name="fast", targets=["lab/one"])
    target = alias.targets.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(alias=alias, model=target.model, position=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(alias=alias, model=target.model, position=0)


def test_lists_ask_the_same_number_of_queries_whatever_their_length(django_assert_num_queries) -> None:
    for number in range(5):
        create_alias(name=f"alias-{number}", targets=["lab/one", "lab/two"])
        create_agent(name=f"agent-{number}", alias=f"alias-{number}")

    with django_assert_num_queries(2):
        assert all([str(one) for one in alias.targets.all()] for alias in aliases())
    with django_assert_num_queries(1):
        assert [agent.alias.name for agent in agents()][4] == "alias-4"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-portkey-custom-host": "https://evil.example"},
        {"X_Portkey_Custom_Host": "https://evil.example"},
        {"Helicone-Target-Url": "https://evil.example"},
        {"x-portkey-config": '{"custom_host": "https://evil.example"}'},
    ],
    ids=["portkey", "underscores", "helicone", "in a config"],
)
def test_g10_an_agents_headers_do_not_decide_where_keys_are_sent(headers):
    create_alias(name="fast", targets=[{"model": "lab/one"}])
    agent = create_agent(name="coder", alias="fast", headers={"X-Team": "lab"})

    with pytest.raises(InvalidError, match="Set it at the provider"):
        create_agent(name="evil", alias="fast", headers=headers)
    with pytest.raises(InvalidError, match="Set it at the provider"):
        update_agent(agent, headers=headers)
