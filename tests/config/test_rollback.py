"""Going back to an earlier version."""

from __future__ import annotations

import datetime as dt

import pytest

from llmadmin.accounts.actors import actor_of_person
from llmadmin.accounts.models import User
from llmadmin.accounts.services import create_service
from llmadmin.audit.actor import Actor
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import find_model, get_model, get_provider
from llmadmin.catalog.services import (
    create_model,
    create_provider,
    delete_model,
    delete_provider,
    set_price,
    update_model,
    update_provider,
)
from llmadmin.config.compiler import capture_state
from llmadmin.config.importing import apply_document
from llmadmin.config.rollback import rollback_to
from llmadmin.config.selectors import current_publication, get_version, latest
from llmadmin.config.services import change
from llmadmin.core.errors import ForbiddenError, InUseError, MissingError
from llmadmin.routing.selectors import default_name, get_agent, get_alias
from llmadmin.routing.services import (
    create_alias,
    delete_agent,
    delete_alias,
    set_default,
    update_agent,
    update_alias,
)
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.services import add_key, delete_key, rotate_key, set_state

pytestmark = pytest.mark.django_db
ORIGIN = "http://127.0.0.1:9"


def test_everything_that_was_deleted_or_changed_is_there_again(catalogue, actor: Actor) -> None:
    before = get_version(1)
    with change(by=actor):
        delete_agent(catalogue.agent)
        delete_alias(catalogue.alias)
        delete_model(catalogue.models[1])
        update_model(catalogue.models[0], name="gamma", context_window=5)
        update_provider(catalogue.provider, timeout_s=3, label="Else")
        create_provider(slug="new", kind="openai")

    made = rollback_to(1, by=actor, why="That was wrong")

    version = latest()
    assert (made.version, version.number, version.why) == (3, 3, "That was wrong")
    assert version.hash == before.hash
    assert {**version.document, "version": 1, "published_at": None} == {**before.document, "published_at": None}
    assert get_model(catalogue.models[1].pk).name == "beta"
    assert get_model(catalogue.models[0].pk).name == "alpha"
    assert get_agent("coder").alias.name == "fast"
    assert Price.objects.count() == 2
    assert not Provider.objects.filter(slug="new").exists()


def test_the_state_itself_comes_back_to_the_letter(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, description="x", deprecated="Use smart.", strategy="weighted", params={"seed": 1})
        update_agent(catalogue.agent, headers={"X-A": "b"}, description="y")
        set_price(catalogue.models[0], effective_from="2030-01-01", input_usd_per_mtok="7", tiers=[])
        update_model(catalogue.models[1], enabled=False)
        set_default("sim/beta")
        set_state(catalogue.key, KeyState.DRAINING, reason="Leaving")
    wanted = get_version(2).restore_state

    rollback_to(1, by=actor)
    assert default_name() == ""
    assert latest().hash == get_version(1).hash
    rollback_to(2, by=actor)

    assert latest().hash == get_version(2).hash
    state = latest().restore_state
    for entries in (*state.values(), *wanted.values()):
        for entry in entries.values():
            entry.pop("id")
    assert state == wanted


def test_rolling_back_to_what_is_in_force_makes_no_version(catalogue, actor: Actor) -> None:
    before = current_publication()

    assert not rollback_to(1, by=actor).did_publish
    assert current_publication() == before


def test_price_history_and_provenance_come_back(catalogue, actor: Actor) -> None:
    with change(by=actor):
        set_price(catalogue.models[0], effective_from="2020-01-01", input_usd_per_mtok="9", source="catalogue")
    with change(by=actor):
        Price.objects.all().delete()
        update_model(catalogue.models[0], source="file")

    rollback_to(2, by=actor)

    old = Price.objects.get(effective_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert (old.input_usd_per_mtok, old.source) == (9, "catalogue")
    assert get_model(catalogue.models[0].pk).source == "ui"


def test_a_deleted_key_does_not_come_back(catalogue, actor: Actor) -> None:
    with change(by=actor):
        delete_key(catalogue.key)

    rollback_to(1, by=actor)

    assert not ApiKey.objects.exists()


def test_a_key_that_came_later_is_kept_out_of_use_and_its_provider_with_it(catalogue, actor: Actor) -> None:
    with change(by=actor):
        add_key(catalogue.provider, label="second", api_key="test-key-beta")
        other = create_provider(slug="other", kind="openai", default_model="x")
        create_model(other, name="x")
        add_key(other, label="main", api_key="test-key-gamma")

    rollback_to(1, by=actor)

    assert latest().hash == get_version(1).hash
    assert not get_provider("other").enabled
    assert not LanguageModel.objects.filter(name="x").exists()
    assert set(ApiKey.objects.filter(state=KeyState.DISABLED).values_list("label", flat=True)) == {"second", "main"}

    rollback_to(2, by=actor)

    assert latest().hash == get_version(2).hash
    opened = {row.label: open_sealed(row, origin=row.origin) for row in sealed_rows() if row.provider_slug == "other"}
    assert opened == {"main": "test-key-gamma"}


def test_secrets_are_left_alone(catalogue, actor: Actor) -> None:
    with change(by=actor):
        rotate_key(catalogue.key, api_key="test-key-beta-0002")
        update_alias(catalogue.alias, description="x")

    rollback_to(1, by=actor)

    assert open_sealed(sealed_rows()[0], origin=ORIGIN) == "test-key-beta-0002"


def test_the_state_of_a_key_comes_back(catalogue, actor: Actor) -> None:
    with change(by=actor):
        set_state(catalogue.key, KeyState.DISABLED, reason="Too dear")

    rollback_to(1, by=actor)

    key = ApiKey.objects.get()
    assert (key.state, key.state_reason) == (KeyState.ACTIVE, "")


def test_g10_going_back_to_another_origin_locks_what_was_entered_for_this_one(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, base_url="http://127.0.0.1:10/v1")
    with change(by=actor):
        rotate_key(catalogue.key, api_key="test-key-for-the-other-host")
    assert ApiKey.objects.get().state == KeyState.ACTIVE

    rollback_to(1, by=actor)

    assert get_provider("sim").base_url == "http://127.0.0.1:9/v1"
    assert ApiKey.objects.get().state == KeyState.LOCKED
    assert sealed_rows() == []


def test_a_key_that_was_locked_meanwhile_waits_to_be_entered_again(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, base_url="http://127.0.0.1:10/v1")

    rollback_to(1, by=actor)

    assert get_provider("sim").base_url == "http://127.0.0.1:9/v1"
    assert ApiKey.objects.get().state == KeyState.LOCKED


def test_a_renamed_provider_keeps_its_keys_on_the_way_back(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, slug="lab")

    rollback_to(1, by=actor)

    assert get_provider("sim").pk == catalogue.provider.pk
    assert open_sealed(sealed_rows()[0], origin=ORIGIN) == catalogue.plaintext


def test_names_that_were_given_to_others_since_do_not_confuse(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, name="quick")
        create_alias(name="fast", targets=["sim/beta"])
    with change(by=actor):
        delete_alias(get_alias("fast"))

    rollback_to(1, by=actor)
    assert get_alias("fast").pk == catalogue.alias.pk
    rollback_to(2, by=actor)

    assert get_alias("quick").pk == catalogue.alias.pk
    assert [one.model.name for one in get_alias("fast").targets.all()] == ["beta"]


def test_a_service_that_needs_a_newer_alias_stops_the_rollback_whole(catalogue, actor: Actor) -> None:
    with change(by=actor):
        create_alias(name="slow", targets=["sim/beta"])
        update_provider(catalogue.provider, timeout_s=3)
    with change(by=actor):
        create_service(name="shop", scopes=["gateway:call"], aliases=["slow"])
    before = current_publication()

    with pytest.raises(InUseError, match="service shop"):
        rollback_to(1, by=actor)

    assert current_publication() == before
    assert get_provider("sim").timeout_s == 3


def test_what_a_file_owned_is_the_files_again(actor: Actor) -> None:
    document = {
        "providers": {"openai": {}},
        "models": [{"name": "x", "provider": "openai"}],
        "aliases": {"a": "openai/x"},
    }
    apply_document(document, by=actor)
    apply_document({}, by=actor)

    rollback_to(1, by=actor)

    assert get_alias("a").source == find_model("openai/x").source == "file"
    assert apply_document(document, by=actor).changes == []


def test_a_provider_that_is_gone_can_be_restored(actor: Actor) -> None:
    with change(by=actor):
        lab = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000")
    with change(by=actor):
        delete_provider(lab)

    rollback_to(1, by=actor)

    assert get_provider("lab").base_url == "http://127.0.0.1:9000"


def test_an_unknown_version_and_a_viewer_are_refused(catalogue, actor: Actor, viewer: User) -> None:
    with pytest.raises(MissingError):
        rollback_to(99, by=actor)
    with pytest.raises(ForbiddenError):
        rollback_to(1, by=actor_of_person(viewer))


def test_g13_any_version_can_be_restored_to_the_letter(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(get_alias("fast"), targets=["sim/beta"])
    with change(by=actor):
        delete_agent(get_agent("coder"))
        delete_alias(get_alias("fast"))

    for number in (1, 3, 2):
        rollback_to(number, by=actor)

        assert latest().hash == get_version(number).hash
        assert capture_state()["aliases"].keys() == get_version(number).restore_state["aliases"].keys()
