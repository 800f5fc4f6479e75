"""One owner for each object: the config file, or people who took it over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmadmin.accounts.actors import command_actor
from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.models import Price
from llmadmin.catalog.selectors import find_model, get_provider
from llmadmin.catalog.services import create_model, delete_model, set_price, update_model, update_provider
from llmadmin.config.importing import apply_document
from llmadmin.config.ownership import applied_file, owned_by_file, set_owner, take_all_over
from llmadmin.config.reading.documents import read_mapping
from llmadmin.config.rollback import rollback_to
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError, DomainError, ForbiddenError, InvalidError, MissingError, OwnedError
from llmadmin.routing.models import Alias
from llmadmin.routing.selectors import get_agent, get_alias
from llmadmin.routing.services import delete_alias, set_default, update_agent, update_alias

pytestmark = pytest.mark.django_db
BY = command_actor(source="file")
PRICE = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}


def document(**aliases: Any) -> dict[str, Any]:
    return {
        "default_model": "fast",
        "providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
        "models": [{"provider": "lab", "name": name, "price": PRICE} for name in ("one", "two")],
        "aliases": {"fast": "lab/one", **aliases},
        "agents": {"coder": "fast"},
    }


@pytest.fixture
def applied() -> None:
    apply_document(read_mapping(document(), name="team.yaml"), by=BY)


FORBIDDEN: dict[str, Callable[[], object]] = {
    "a provider's address": lambda: update_provider(get_provider("lab"), base_url="http://127.0.0.1:8/v1"),
    "a model's window": lambda: update_model(find_model("lab/one"), context_window=9),
    "a model": lambda: delete_model(find_model("lab/two")),
    "a price beside the file's": lambda: set_price(find_model("lab/one"), input_usd_per_mtok="9"),
    "an alias's targets": lambda: update_alias(get_alias("fast"), targets=["lab/two"]),
    "an alias's name": lambda: update_alias(get_alias("fast"), name="slow"),
    "an alias": lambda: delete_alias(get_alias("fast")),
    "an agent": lambda: update_agent(get_agent("coder"), params={"seed": 1}),
    "the default": lambda: set_default("lab/two"),
}


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in FORBIDDEN.items()])
def test_g14_what_a_file_owns_is_read_only_for_people(applied: None, actor: Actor, act: Callable[[], object]) -> None:
    before = latest().number

    with pytest.raises(DomainError) as refused, change(by=actor):
        act()

    assert isinstance(refused.value, OwnedError) or "still used by" in refused.value.message
    assert latest().number == before


def test_the_refusal_says_what_to_do(applied: None, actor: Actor) -> None:
    with pytest.raises(OwnedError) as refused, change(by=actor):
        update_alias(get_alias("fast"), targets=["lab/two"])

    assert (refused.value.status, refused.value.code) == (409, "owned_by_file")
    assert refused.value.message == (
        "The alias 'fast' belongs to a config file, which would undo this when it is applied again. Change it in the file, or "
        "take it over first."
    )


def test_what_no_file_can_say_stays_with_people(applied: None, actor: Actor) -> None:
    with change(by=actor):
        update_provider(get_provider("lab"), enabled=False, label="The lab")
        update_alias(get_alias("fast"), description="Quick")

    assert not get_provider("lab").enabled
    assert get_alias("fast").source == "file"


def test_the_file_and_who_applied_it_are_known(applied: None) -> None:
    file = applied_file()

    assert file is not None
    assert (file.name, file.actor_label, file.version) == ("team.yaml", BY.label, 1)
    assert owned_by_file() == {"provider": 1, "model": 2, "alias": 1, "agent": 1, "default": 1}


def test_g14_what_was_taken_over_can_be_changed_and_the_file_passes_over_it(applied: None, actor: Actor) -> None:
    set_owner("alias", "fast", "people", by=actor, why="An experiment")
    with change(by=actor):
        update_alias(get_alias("fast"), targets=["lab/two"])

    result = apply_document(document(), by=BY)

    assert get_alias("fast").targets.get().model.name == "two"
    assert not result.changed
    assert result.warnings == [
        (
            "The alias fast was taken over by owner@example.com, so what the file says of it is passed over. Give it back to let "
            "the file rule again, or take it out of the file."
        )
    ]
    entry = AuditEntry.objects.get(action="take over")
    assert (entry.object_type, entry.object_name, entry.why, entry.version) == ("alias", "fast", "An experiment", 2)


def test_what_was_given_back_is_the_files_again(applied: None, actor: Actor) -> None:
    set_owner("alias", "fast", "people", by=actor)
    with change(by=actor):
        update_alias(get_alias("fast"), targets=["lab/two"])
    set_owner("alias", "fast", "file", by=actor)

    with pytest.raises(OwnedError), change(by=actor):
        update_alias(get_alias("fast"), params={"seed": 1})
    apply_document(document(), by=BY)

    assert get_alias("fast").targets.get().model.name == "one"


def test_a_model_goes_over_with_the_prices_that_the_file_named(applied: None, actor: Actor) -> None:
    set_owner("model", "lab/one", "people", by=actor)
    with change(by=actor):
        set_price(find_model("lab/one"), effective_from="2030-01-01", input_usd_per_mtok="9")

    result = apply_document(document(), by=BY)

    assert not result.changed
    assert Price.objects.filter(model=find_model("lab/one")).count() == 2


def test_the_default_is_taken_over_too(applied: None, actor: Actor) -> None:
    set_owner("default", "", "people", by=actor)
    with change(by=actor):
        set_default("lab/two")

    assert not apply_document(document(), by=BY).changed


def test_everything_is_taken_over_at_once(applied: None, actor: Actor) -> None:
    take_all_over(by=actor)

    assert not any(owned_by_file().values())
    assert not apply_document({"providers": {}}, by=BY).changed
    assert Alias.objects.filter(name="fast").exists()


def test_a_taken_over_object_that_is_made_anew_is_the_files(applied: None, actor: Actor) -> None:
    set_owner("alias", "fast", "people", by=actor)
    with change(by=actor):
        set_owner("default", "", "people", by=actor)
        set_default(None)
        update_agent_away()
        delete_alias(get_alias("fast"))

    apply_document(document(), by=BY)

    assert get_alias("fast").source == "file"


def update_agent_away() -> None:
    from llmadmin.routing.models import AgentMapping

    AgentMapping.objects.all().delete()


@pytest.mark.parametrize(
    ("noun", "name", "to", "problem"),
    [
        pytest.param("alias", "none", "people", MissingError, id="what is not there"),
        pytest.param("service", "x", "people", InvalidError, id="what no file owns"),
        pytest.param("alias", "fast", "me", InvalidError, id="an owner that is none"),
        pytest.param("alias", "fast", "file", ConflictError, id="what was never taken over"),
    ],
)
def test_what_can_not_change_hands_is_said(
    applied: None, actor: Actor, noun: str, name: str, to: str, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        set_owner(noun, name, to, by=actor)


def test_a_viewer_takes_nothing_over(applied: None, viewer: Any) -> None:
    from llmadmin.accounts.actors import actor_of_person

    with pytest.raises(ForbiddenError):
        set_owner("alias", "fast", "people", by=actor_of_person(viewer))


def test_g14_a_row_of_somebodys_can_not_hide_what_a_file_brings(actor: Actor, catalogue: Any) -> None:
    with change(by=actor):
        create_model(catalogue.provider, name="one", context_window=1)
    file = {
        "providers": {"sim": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
        "models": [{"provider": "sim", "name": "one", "context_window": 8000, "price": PRICE}],
        "aliases": {"fast": "sim/one"},
    }

    apply_document(file, by=BY)

    assert (find_model("sim/one").context_window, find_model("sim/one").source) == (8000, "file")
    assert [target.model.name for target in get_alias("fast").targets.all()] == ["one"]


def test_another_file_that_takes_the_place_of_the_first_says_so(applied: None) -> None:
    other = read_mapping({"providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}}}, name="b.yaml")

    result = apply_document(other, by=BY, dry_run=True)

    assert result.warnings[0].startswith("b.yaml takes the place of team.yaml: 7 objects go that it does not name.")
    assert apply_document(read_mapping(document(), name="team.yaml"), by=BY).warnings == []


def test_an_import_that_happens_once_owns_and_removes_nothing(applied: None, actor: Actor) -> None:
    other = {
        "providers": {"own": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
        "models": [{"provider": "own", "name": "m", "price": PRICE}],
        "aliases": {"quick": "own/m", "fast": "own/m"},
    }

    result = apply_document(other, by=actor, owns=False)

    assert get_alias("quick").source == "ui"
    assert get_alias("fast").targets.get().model.name == "one"
    assert result.warnings == ["The alias fast belongs to team.yaml and is passed over."]
    assert get_agent("coder")
    with change(by=actor):
        update_alias(get_alias("quick"), params={"seed": 1})


def test_a_restored_version_brings_the_owner_back(applied: None, actor: Actor) -> None:
    set_owner("alias", "fast", "people", by=actor)

    rollback_to(1, by=actor)

    assert get_alias("fast").source == "file"
    assert apply_document(document(), by=BY).warnings == []


def test_what_people_switched_off_is_not_lost_by_applying_an_export(applied: None, actor: Actor) -> None:
    from llmadmin.config.exporting import export_yaml

    apply_document(document(safe=["lab/one", "lab/two"]), by=BY)
    with change(by=actor):
        update_model(find_model("lab/one"), enabled=False)

    result = apply_document(export_yaml(), by=BY)

    assert "The model lab/one is not in the file and is switched off, so it stays." in result.warnings
    assert [target.model.name for target in get_alias("safe").targets.order_by("position")] == ["one", "two"]


def test_aliases_swap_their_names_in_one_apply(applied: None) -> None:
    apply_document(document(slow="lab/two"), by=BY)

    apply_document(document(fast="lab/two", slow="lab/one"), by=BY)

    names = {alias.name: alias.targets.get().model.name for alias in Alias.objects.all()}
    assert names == {"fast": "two", "slow": "one"}
