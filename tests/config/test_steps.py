"""Whatever people do in whatever order: tables, document and history stay in step."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from llmadmin.accounts.actors import system_actor
from llmadmin.catalog.models import Price
from llmadmin.catalog.selectors import find_model, get_provider
from llmadmin.catalog.services import (
    create_model,
    create_provider,
    delete_model,
    delete_price,
    delete_provider,
    set_price,
    update_model,
    update_provider,
)
from llmadmin.config.compiler import capture_state, compile_config
from llmadmin.config.exporting import export_document, export_yaml
from llmadmin.config.importing import apply_document, plan_changes
from llmadmin.config.ownership import set_owner
from llmadmin.config.rollback import rollback_to
from llmadmin.config.selectors import current_publication, get_version, latest
from llmadmin.config.services import change
from llmadmin.config.state import State, canonical, state_of_tables
from llmadmin.config.tables import Tables
from llmadmin.core.errors import DomainError
from llmadmin.routing.selectors import get_agent, get_alias
from llmadmin.routing.services import (
    create_agent,
    create_alias,
    delete_agent,
    delete_alias,
    set_default,
    update_agent,
    update_alias,
)
from llmadmin.vault.models import ApiKey
from llmadmin.vault.services import add_key, delete_key, set_state
from providers.config import LLMConfig

BY = system_actor("steps")
SLUGS = st.sampled_from(["p1", "p2"])
MODELS = st.sampled_from(["p1/a", "p1/b", "p2/a", "p2/c/d"])
NAMES = st.sampled_from(["x", "y", "p1/a"])
MONEY = st.sampled_from(["0", "0.40", "15", "0.000000000001"])
DAYS = st.sampled_from(["2020-01-01", "2024-06-01T12:30:00Z", "2100-01-01"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PARAMS = st.dictionaries(st.sampled_from(["temperature", "max_tokens", "extra"]), JSON, max_size=2)
TARGETS = st.lists(
    st.fixed_dictionaries({"model": MODELS}, optional={"weight": st.integers(0, 3), "params": PARAMS}),
    min_size=1,
    max_size=3,
)
STEPS = st.one_of(
    st.tuples(
        st.just("provider"),
        SLUGS,
        st.fixed_dictionaries({}, optional={"label": st.text(max_size=3), "options": PARAMS}),
    ),
    st.tuples(
        st.just("edit provider"), SLUGS, st.sampled_from([{"enabled": False}, {"enabled": True}, {"timeout_s": 2.5}])
    ),
    st.tuples(st.just("move provider"), SLUGS, st.sampled_from(["http://127.0.0.1:9000", "http://127.0.0.1:9001/v1"])),
    st.tuples(st.just("drop provider"), SLUGS),
    st.tuples(st.just("key"), SLUGS, st.sampled_from(["k1", "k2"])),
    st.tuples(st.just("edit key"), SLUGS, st.sampled_from(["active", "draining", "disabled", "failed"])),
    st.tuples(st.just("drop key"), SLUGS),
    st.tuples(
        st.just("model"),
        MODELS,
        st.fixed_dictionaries({}, optional={"parameters": PARAMS, "context_window": st.just(9)}),
    ),
    st.tuples(st.just("edit model"), MODELS, st.booleans()),
    st.tuples(st.just("drop model"), MODELS),
    st.tuples(st.just("price"), MODELS, DAYS, MONEY),
    st.tuples(st.just("drop price"), MODELS),
    st.tuples(st.just("alias"), NAMES, TARGETS),
    st.tuples(st.just("edit alias"), NAMES, TARGETS, PARAMS),
    st.tuples(st.just("rename alias"), NAMES, NAMES),
    st.tuples(st.just("drop alias"), NAMES),
    st.tuples(st.just("agent"), NAMES, NAMES),
    st.tuples(st.just("edit agent"), NAMES, NAMES, PARAMS),
    st.tuples(st.just("drop agent"), NAMES),
    st.tuples(st.just("default"), st.none() | NAMES | MODELS),
    st.tuples(st.just("roll back"), st.integers(1, 12)),
    st.tuples(st.just("apply"), st.sampled_from(["p1", "p2"]), TARGETS),
    st.tuples(st.just("apply export")),
    st.tuples(st.just("import once"), st.sampled_from(["p1", "p2"]), TARGETS),
    st.tuples(st.just("swap by file")),
    st.tuples(st.just("take over"), st.sampled_from(["alias", "agent"]), NAMES),
    st.tuples(st.just("give back"), st.sampled_from(["alias", "agent"]), NAMES),
    st.tuples(st.just("take over"), st.just("provider"), SLUGS),
    st.tuples(st.just("give back"), st.just("provider"), SLUGS),
)


def set_states(slug: str, state: str) -> None:
    for key in ApiKey.objects.filter(provider__slug=slug):
        set_state(key, state)


def drop_keys(slug: str) -> None:
    for key in ApiKey.objects.filter(provider__slug=slug):
        delete_key(key)


def drop_prices(name: str) -> None:
    for price in Price.objects.filter(model=find_model(name)):
        delete_price(price)


def apply_file(slug: str, targets: list[dict[str, Any]], *, owns: bool = True) -> None:
    names = {one["model"] for one in targets}
    slugs = {slug, *(name.partition("/")[0] for name in names)}
    apply_document(
        {
            "providers": {one: {"kind": "local", "base_url": "http://127.0.0.1:9000"} for one in slugs},
            "models": [dict(zip(("provider", "name"), name.split("/", 1), strict=True)) for name in sorted(names)],
            "aliases": {"x": {"targets": targets}},
        },
        by=BY,
        owns=owns,
    )


def swap_aliases() -> None:
    """One file in which x and y have each other's targets."""
    document = export_document()
    aliases = document["aliases"]
    aliases["x"], aliases["y"] = aliases["y"], aliases["x"]
    apply_document(document, by=BY)


TAKE: dict[str, Callable[..., object]] = {
    "provider": lambda slug, fields: create_provider(
        slug=slug, kind="local", base_url="http://127.0.0.1:9000", **fields
    ),
    "edit provider": lambda slug, fields: update_provider(get_provider(slug), **fields),
    "move provider": lambda slug, url: update_provider(get_provider(slug), base_url=url),
    "drop provider": lambda slug: delete_provider(get_provider(slug)),
    "key": lambda slug, label: add_key(get_provider(slug), label=label, api_key="test-key-alpha"),
    "edit key": set_states,
    "drop key": drop_keys,
    "model": lambda name, fields: create_model(
        get_provider(name.partition("/")[0]), name=name.partition("/")[2], **fields
    ),
    "edit model": lambda name, is_enabled: update_model(find_model(name), enabled=is_enabled),
    "drop model": lambda name: delete_model(find_model(name)),
    "price": lambda name, day, money: set_price(
        find_model(name), effective_from=day, input_usd_per_mtok=money, output_usd_per_mtok="1"
    ),
    "drop price": drop_prices,
    "alias": lambda name, targets: create_alias(name=name, targets=targets),
    "edit alias": lambda name, targets, params: update_alias(get_alias(name), targets=targets, params=params),
    "rename alias": lambda name, other: update_alias(get_alias(name), name=other),
    "drop alias": lambda name: delete_alias(get_alias(name)),
    "agent": lambda name, alias: create_agent(name=name, alias=alias),
    "edit agent": lambda name, alias, params: update_agent(get_agent(name), alias=alias, params=params),
    "drop agent": lambda name: delete_agent(get_agent(name)),
    "default": set_default,
    "roll back": lambda number: rollback_to(number, by=BY),
    "apply": apply_file,
    "apply export": lambda: apply_document(export_yaml(), by=BY),
    "import once": lambda slug, targets: apply_file(slug, targets, owns=False),
    "swap by file": swap_aliases,
    "take over": lambda noun, name: set_owner(noun, name, "people", by=BY),
    "give back": lambda noun, name: set_owner(noun, name, "file", by=BY),
}


def without_stamp(document: dict[str, Any]) -> str:
    return canonical({**document, "version": 0, "published_at": None})


PRELUDE = [
    ("provider", "p1", {}),
    ("provider", "p2", {}),
    ("model", "p1/a", {}),
    ("model", "p2/a", {}),
    ("price", "p1/a", "2020-01-01", "15"),
    ("alias", "x", [{"model": "p1/a"}]),
    ("alias", "y", [{"model": "p1/a"}, {"model": "p2/a"}]),
    ("agent", "x", "y"),
]


BOTH = [{"model": "p1/a"}, {"model": "p2/a"}]
SWITCHED_OFF_AND_EXPORTED = [
    ("apply", "p1", [{"model": "p1/a"}, {"model": "p1/b"}]),
    ("take over", "alias", "x"),
    ("edit alias", "x", [{"model": "p1/a"}], {}),
    ("edit model", "p1/b", False),
    ("apply export",),
    ("edit provider", "p2", {"enabled": False}),
    ("apply export",),
]
TAKEN_OVER_AND_RESTORED = [
    ("apply", "p1", BOTH),
    ("take over", "alias", "x"),
    ("edit alias", "x", [{"model": "p2/a"}], {}),
    ("apply", "p1", BOTH),
    ("swap by file",),
    ("roll back", 9),
    ("import once", "p2", BOTH),
    ("roll back", 10),
]


def check_restored(number: int) -> None:
    """Without keys, which a rollback never deletes, the tables are again what they were, to the letter but for ids."""
    wanted, found = copy.deepcopy(get_version(number).restore_state), capture_state()
    if wanted["keys"] or found["keys"]:
        return
    for entry in [entry for state in (wanted, found) for section in state.values() for entry in section.values()]:
        del entry["id"]
    assert canonical(found) == canonical(wanted)
    assert latest().hash == get_version(number).hash


def check_nothing_lost(step: tuple[Any, ...], before: State, after: State) -> None:
    """An object goes when it is deleted or renamed, when its file leaves it out, or with the version that is restored."""
    act = step[0]
    if act.startswith("drop") or act in ("roll back", "rename alias"):
        return
    for section in ("providers", "models", "aliases", "agents", "default"):
        gone = before[section].keys() - after[section].keys()
        if act == "apply":
            gone = {name for name in gone if before[section][name].get("source") != "file"}
        if act != "default":
            assert not gone, (step, section)


def take_steps(steps: list[tuple[Any, ...]]) -> None:
    """Each is done whole or not at all, and leaves tables, document and history in step; at the end, every way back is tried."""
    state, before = capture_state(), current_publication()
    for step in [*PRELUDE, *steps]:
        is_done = False
        with contextlib.suppress(DomainError, KeyError):
            with change(by=BY):
                TAKE[step[0]](*step[1:])
            is_done = True
        rows, published = Tables.read(), current_publication()
        after = state_of_tables(rows)
        if not is_done:
            assert (published, canonical(after)) == (before, canonical(state))
        elif step[0] == "roll back":
            check_restored(step[1])
        check_nothing_lost(step, state, after)
        state, before = after, published

        version = latest()
        assert version.number == published[0]
        assert without_stamp(compile_config(rows).to_document()) == without_stamp(version.document)
        assert canonical(after) == canonical(version.restore_state)
        assert LLMConfig.from_document(version.document).hash == version.hash

    for number in range(1, latest().number + 1):
        with contextlib.suppress(DomainError):
            rollback_to(number, by=BY)
            check_restored(number)
    with contextlib.suppress(DomainError):
        assert plan_changes(export_yaml(), by=BY) is not None
    assert canonical(capture_state()) == canonical(latest().restore_state)


class StepsTest(TestCase):
    """Hypothesis undoes the database between examples only in a TestCase."""

    @pytest.mark.timeout(400)
    @example(steps=SWITCHED_OFF_AND_EXPORTED)
    @example(steps=TAKEN_OVER_AND_RESTORED)
    @given(steps=st.lists(STEPS, min_size=4, max_size=12))
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_tables_and_document_stay_in_step(self, steps: list[tuple[Any, ...]]) -> None:
        take_steps(steps)

    @pytest.mark.slow
    @pytest.mark.timeout(3600)
    @given(steps=st.lists(STEPS, min_size=10, max_size=60))
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    def test_tables_and_document_stay_in_step_for_long(self, steps: list[tuple[Any, ...]]) -> None:
        take_steps(steps)


@pytest.mark.django_db
def test_the_number_of_queries_of_a_change_does_not_grow_with_the_tables(
    catalogue, actor, django_assert_num_queries
) -> None:
    def queries_of_a_change(text: str) -> int:
        with CaptureQueriesContext(connection) as asked, change(by=actor):
            update_alias(copy.copy(catalogue.alias), description=text)
        return len(asked)

    few = queries_of_a_change("few")
    with change(by=actor):
        for number in range(20):
            one = create_model(catalogue.provider, name=f"m{number}")
            set_price(one, input_usd_per_mtok="1", output_usd_per_mtok="1")
            create_alias(name=f"a{number}", targets=[one])
            create_agent(name=f"g{number}", alias=f"a{number}")

    assert queries_of_a_change("many") == few
    with django_assert_num_queries(8):
        compile_config()
