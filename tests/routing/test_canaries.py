"""An alias's canary: a share of its calls to a target on trial, promoted or dropped."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from llmadmin.catalog.services import create_model, delete_model, update_model
from llmadmin.config.importing import apply_document
from llmadmin.config.rollback import rollback_to
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.core.errors import InUseError, InvalidError
from llmadmin.routing.selectors import get_alias
from llmadmin.routing.services import create_alias, delete_alias, drop_canary, promote_canary, promoted, update_alias
from providers.config import LLMConfig

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ON_TRIAL = {"model": "sim/gamma", "share_percent": 5}


@pytest.fixture
def alias(catalogue, actor):
    """`fast` over alpha and beta, with gamma at the same provider."""
    with change(by=actor):
        create_model(catalogue.provider, name="gamma")
    return catalogue.alias


def started(alias, actor, **more):
    with change(by=actor):
        return update_alias(alias, canary={**ON_TRIAL, **more})


def targets_of(name: str) -> list[str]:
    return [one.model.name for one in get_alias(name).targets.all()]


def published() -> LLMConfig:
    return LLMConfig.from_document(latest().document)


def test_a_canary_is_published_with_the_moment_at_which_it_began(alias, actor):
    with time_machine.travel(START, tick=False):
        started(alias, actor, params={"seed": 1})

    assert published().to_document()["aliases"]["fast"]["canary"] == {
        "model": "sim/gamma",
        "share_percent": 5,
        "params": {"seed": 1},
        "since": "2026-03-01T12:00:00Z",
    }


def test_another_share_goes_on_with_the_trial_and_another_model_begins_a_new_one(alias, actor):
    with time_machine.travel(START, tick=False):
        started(alias, actor)
    with time_machine.travel(START + dt.timedelta(hours=1), tick=False):
        assert started(alias, actor, share_percent=20).canary["since"] == "2026-03-01T12:00:00Z"
        assert started(alias, actor, params={"seed": 1}).canary["since"] == "2026-03-01T13:00:00Z"


@pytest.mark.parametrize(
    ("canary", "path", "says"),
    [
        ({"share_percent": 5}, "canary.model", "needed"),
        ({"model": "sim/gamma"}, "canary.share_percent", "needed"),
        ({"model": "sim/gamma", "share_percent": 0}, "canary.share_percent", "above 0"),
        ({"model": "sim/gamma", "share_percent": 100}, "canary.share_percent", "at most 99"),
        ({"model": "sim/none", "share_percent": 5}, "canary.model", "no model 'sim/none'"),
        ({"model": "fast", "share_percent": 5}, "canary.model", "itself an alias"),
        ({"model": "sim/alpha", "share_percent": 5}, "canary.model", "a target already"),
        ({**ON_TRIAL, "since": "soon"}, "canary.since", "Give a moment"),
        ({**ON_TRIAL, "params": {"api_key": "test-key-alpha"}}, "canary.params.api_key", "API keys"),
        ({**ON_TRIAL, "percent": 5}, "canary.percent", "no field"),
        ("sim/gamma", "canary", "Give a model and its share"),
    ],
    ids=[
        *(
            "no model",
            "no share",
            "none",
            "all",
            "unknown",
            "an alias",
            "a target",
            "no moment",
            "a secret",
            "misspelt",
        ),
        "a name",
    ],
)
def test_a_canary_that_can_t_be_is_refused_with_its_place(canary, path, says, alias, actor):
    with pytest.raises(InvalidError) as problem, change(by=actor):
        update_alias(alias, canary=canary)

    assert set(problem.value.fields) == {path}
    assert says in problem.value.fields[path]


def test_a_target_may_not_become_what_the_canary_is(alias, actor):
    started(alias, actor)

    with pytest.raises(InvalidError, match="a target already"), change(by=actor):
        update_alias(alias, targets=["sim/alpha", "sim/gamma"])


def test_the_same_model_with_other_parameters_may_be_tried(alias, actor):
    with change(by=actor):
        update_alias(alias, canary={"model": "sim/alpha", "share_percent": 5, "params": {"temperature": 0}})

    assert published().resolve("fast").canary.target.params == {"temperature": 0}


def test_a_model_on_trial_can_t_be_deleted_and_names_its_alias(alias, actor):
    canary = started(alias, actor).canary_model

    with pytest.raises(InUseError) as problem, change(by=actor):
        delete_model(canary)

    assert problem.value.dependents == ["alias fast"]


def test_a_canary_whose_model_is_switched_off_gets_no_calls_until_it_is_on_again(alias, actor):
    canary = started(alias, actor).canary_model

    with change(by=actor):
        update_model(canary, enabled=False)
    assert published().aliases["fast"].canary is None

    with change(by=actor):
        update_model(canary, enabled=True)
    assert published().aliases["fast"].canary.model == "sim/gamma"


def test_promoting_by_priority_keeps_the_old_first_target_as_a_fallback(alias, actor):
    started(alias, actor, params={"seed": 1})

    with change(by=actor, why="It is as good and half the price") as made:
        promote_canary(alias)

    assert targets_of("fast") == ["gamma", "alpha", "beta"]
    first = published().aliases["fast"].targets[0]
    assert (first.model, first.weight, first.params) == ("sim/gamma", 1, {"seed": 1})
    assert get_alias("fast").canary is None
    assert latest().number == made.version
    assert latest().why == "It is as good and half the price"


@pytest.mark.parametrize("strategy", ["weighted", "round_robin", "least_latency", "cheapest"])
def test_where_calls_are_shared_out_the_canary_replaces_the_first_target(strategy, alias, actor):
    targets = [{"model": "sim/alpha", "weight": 7}, {"model": "sim/beta", "weight": 3}]
    with change(by=actor):
        update_alias(alias, strategy=strategy, targets=targets, canary=ON_TRIAL)
        promote_canary(alias)

    assert [(one.model.name, one.weight) for one in get_alias("fast").targets.all()] == [("gamma", 7), ("beta", 3)]


def test_promoting_other_parameters_of_a_target_leaves_that_model_once():
    targets = [{"model": "a/x", "weight": 2, "params": {}}, {"model": "a/y", "weight": 1, "params": {}}]
    canary = {"model": "a/y", "params": {"seed": 1}}

    assert [one["model"] for one in promoted("priority", targets, canary)] == ["a/y", "a/x"]
    assert promoted("weighted", targets, canary) == [{"model": "a/y", "weight": 2, "params": {"seed": 1}}]


def test_dropping_keeps_the_targets(alias, actor):
    started(alias, actor)

    with change(by=actor, why="Too slow"):
        drop_canary(alias)

    assert targets_of("fast") == ["alpha", "beta"]
    assert published().aliases["fast"].canary is None


@pytest.mark.parametrize("end", [promote_canary, drop_canary], ids=["promote", "drop"])
def test_a_trial_ends_once(end, alias, actor):
    started(alias, actor)
    with change(by=actor):
        end(alias)

    with pytest.raises(InvalidError, match="has no canary"), change(by=actor):
        end(alias)


def test_g13_a_promotion_can_be_taken_back(alias, actor):
    started(alias, actor, params={"seed": 1})
    before = latest()
    with change(by=actor):
        promote_canary(alias)

    rollback_to(before.number, by=actor)

    assert targets_of("fast") == ["alpha", "beta"]
    assert get_alias("fast").canary == before.document["aliases"]["fast"]["canary"]


def test_a_file_brings_a_canary_keeps_it_and_takes_it_away(alias, actor):
    started(alias, actor)
    exported = published()

    without = exported.replace(aliases={"fast": "sim/alpha"})
    apply_document(without, by=actor)
    assert get_alias("fast").canary is None

    apply_document(exported, by=actor)
    assert published().hash == exported.hash
    assert apply_document(exported, by=actor).changed is False


def test_a_file_that_names_no_beginning_goes_on_with_the_trial(alias, actor):
    document = {"aliases": {"fast": {"targets": ["sim/alpha"], "canary": ON_TRIAL}}}
    setup = published().replace(aliases=document["aliases"])
    with time_machine.travel(START, tick=False):
        apply_document(setup, by=actor)
    with time_machine.travel(START + dt.timedelta(days=1), tick=False):
        assert apply_document(setup, by=actor).changed is False

    assert get_alias("fast").canary["since"] == "2026-03-01T12:00:00Z"


# Aliases that are to go


def test_a_replacement_or_a_sunset_deprecates_and_says_so(alias, actor):
    with time_machine.travel(START, tick=False), change(by=actor):
        create_alias(name="old", targets=["sim/beta"], replacement="fast", sunset_at="2026-06-01")

    old = published().aliases["old"]
    assert old.deprecated == "Use fast instead. It ends on 2026-06-01."
    assert (old.deprecated_at, old.sunset_at) == (START, dt.datetime(2026, 6, 1, tzinfo=dt.UTC))


def test_the_moment_of_deprecation_stays_when_the_words_change_and_goes_with_them(alias, actor):
    with time_machine.travel(START, tick=False), change(by=actor):
        update_alias(alias, deprecated="Use smart.")
    with change(by=actor):
        changed = update_alias(alias, deprecated="Use smart, please.", deprecated_at=None, after_sunset="refuse")
    assert changed.deprecated_at == START

    with change(by=actor):
        freed = update_alias(alias, deprecated=None)
    assert (freed.deprecated_at, freed.replacement, freed.sunset_at, freed.after_sunset) == (None, None, None, "answer")


@pytest.mark.parametrize("replacement", ["nothing", "fast"], ids=["unknown", "itself"])
def test_a_replacement_is_another_alias_that_is_there(replacement, alias, actor):
    with pytest.raises(InvalidError) as problem, change(by=actor):
        update_alias(alias, replacement=replacement)

    assert set(problem.value.fields) == {"aliases.fast.replacement"}


def test_a_replacement_can_t_be_deleted_while_it_is_named(alias, actor):
    with change(by=actor):
        new = create_alias(name="smart", targets=["sim/beta"])
        update_alias(alias, replacement="smart")

    with pytest.raises(InUseError) as problem, change(by=actor):
        delete_alias(new)
    assert problem.value.dependents == ["alias fast"]


def test_a_wrong_way_to_end_is_named(alias, actor):
    with pytest.raises(InvalidError) as problem, change(by=actor):
        update_alias(alias, after_sunset="explode", sunset_at="soon", deprecated_at="now")

    assert set(problem.value.fields) == {"after_sunset", "sunset_at", "deprecated_at"}


def test_words_that_nobody_wrote_follow_the_fields_and_written_ones_stay(alias, actor):
    with change(by=actor):
        create_alias(name="smart", targets=["sim/beta"])
        update_alias(alias, replacement="smart")
        later = update_alias(alias, sunset_at="2026-06-01")
        assert later.deprecated == "Use smart instead. It ends on 2026-06-01."

        update_alias(alias, deprecated="Move over, please.")
        assert update_alias(alias, sunset_at="2026-07-01").deprecated == "Move over, please."
