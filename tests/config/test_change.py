"""Every change: one transaction, its audit entries, one new version at its end, or nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from llmadmin.accounts.actors import actor_of_person, system_actor
from llmadmin.accounts.models import User
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.models import Provider
from llmadmin.catalog.services import (
    create_model,
    create_provider,
    delete_model,
    set_price,
    update_model,
    update_provider,
)
from llmadmin.config import checks
from llmadmin.config.compiler import compile_config
from llmadmin.config.models import ConfigVersion, Publication
from llmadmin.config.selectors import current_publication, diff, get_version, latest, versions
from llmadmin.config.services import change, publish
from llmadmin.config.signals import published
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError
from llmadmin.routing.services import create_agent, create_alias, set_default, update_alias
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.services import rotate_key, set_state
from providers.config import LLMConfig

pytestmark = pytest.mark.django_db


def test_before_anything_is_published_there_is_an_empty_version_0() -> None:
    assert latest().number == 0
    assert LLMConfig.from_document(latest().document).hash == latest().hash == compile_config().hash
    assert current_publication() == (0, 0)


def test_the_first_version_is_published_empty_and_only_once() -> None:
    assert publish().version == 1
    assert not publish().did_publish

    assert latest().number == 1
    assert current_publication() == (1, 1)


def test_g13_a_change_makes_one_version_with_author_reason_and_differences(actor: Actor) -> None:
    with change(by=actor, why="A lab to try things in") as made:
        lab = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000")
        create_model(lab, name="one")

    version = latest()
    assert (made.version, made.did_publish, version.number) == (1, True, 1)
    assert (version.actor_label, version.person_id, version.why, version.source) == (
        actor.label,
        actor.person_id,
        "A lab to try things in",
        "ui",
    )
    assert [(one["op"], one["object"], one["name"]) for one in version.changes] == [
        ("create", "provider", "lab"),
        ("create", "model", "lab/one"),
    ]
    assert list(AuditEntry.objects.values_list("object_name", "version", "why").order_by("id")) == [
        ("lab", 1, "A lab to try things in"),
        ("lab/one", 1, "A lab to try things in"),
    ]


def test_the_document_is_the_one_of_the_contract(actor: Actor) -> None:
    with change(by=actor):
        anthropic = create_provider(slug="anthropic", kind="anthropic", default_model="claude")
        model = create_model(
            anthropic, name="claude", context_window=200000, max_output_tokens=64000, capabilities=["chat", "vision"]
        )
        set_price(model, effective_from="2026-01-01", input_usd_per_mtok="3.00", output_usd_per_mtok="15")
        create_alias(name="sonnet", targets=["anthropic/claude"])
        create_agent(name="coder", alias="sonnet", params={"temperature": 0.2})
        set_default("sonnet")

    document = latest().document

    assert document.pop("published_at").endswith("Z")
    assert document == {
        "version": 1,
        "default_model": "sonnet",
        "providers": {
            "anthropic": {
                "kind": "anthropic",
                "base_url": "https://api.anthropic.com",
                "default_model": "claude",
                "timeout_s": 60,
                "max_retries": 2,
                "headers": {},
                "options": {},
                "keys": [],
            }
        },
        "models": {
            "anthropic/claude": {
                "provider": "anthropic",
                "name": "claude",
                "context_window": 200000,
                "max_output_tokens": 64000,
                "capabilities": ["chat", "vision"],
                "parameters": {},
                "price": {"input_usd_per_mtok": "3", "output_usd_per_mtok": "15", "effective_from": "2026-01-01"},
            }
        },
        "aliases": {
            "sonnet": {
                "strategy": "priority",
                "targets": [{"model": "anthropic/claude", "weight": 1, "params": {}}],
                "params": {},
                "cache_ttl_s": 0,
                "deprecated": None,
            }
        },
        "agents": {"coder": {"alias": "sonnet", "params": {"temperature": 0.2}, "headers": {}}},
    }


def test_a_change_that_alters_nothing_makes_no_version_and_no_entry(catalogue, actor: Actor) -> None:
    before = current_publication()
    entries = AuditEntry.objects.count()

    with change(by=actor) as made:
        update_alias(catalogue.alias, targets=["sim/alpha", "sim/beta"])

    assert (made.did_publish, made.version) == (False, 1)
    assert current_publication() == before
    assert AuditEntry.objects.count() == entries


def test_a_service_or_a_rotated_key_moves_the_revision_but_makes_no_version(catalogue, actor: Actor) -> None:
    with change(by=actor) as made:
        issue_key(create_service(name="shop", scopes=["config:read"]))
    with change(by=actor):
        rotate_key(catalogue.key, api_key="test-key-beta-0002")

    assert (made.did_publish, made.version) == (False, 1)
    assert current_publication() == (1, 3)


def test_what_only_restoring_needs_makes_a_version_too(catalogue, actor: Actor) -> None:
    with change(by=actor) as made:
        update_alias(catalogue.alias, description="Quick ones")

    assert made.changes == [
        {
            "object": "alias",
            "name": "fast",
            "op": "update",
            "before": {"description": ""},
            "after": {"description": "Quick ones"},
        }
    ]
    assert get_version(1).hash == get_version(2).hash


def test_what_is_disabled_is_not_in_the_document(catalogue, actor: Actor) -> None:
    with change(by=actor):
        set_default("sim/beta")
        update_provider(catalogue.provider, default_model="beta")
        update_model(catalogue.models[1], enabled=False)

    document = latest().document
    assert list(document["models"]) == ["sim/alpha"]
    assert [one["model"] for one in document["aliases"]["fast"]["targets"]] == ["sim/alpha"]
    assert (document["default_model"], document["providers"]["sim"]["default_model"]) == (None, None)

    with change(by=actor):
        update_provider(catalogue.provider, enabled=False)

    document = latest().document
    assert (document["providers"], document["models"]) == ({}, {})
    assert document["aliases"]["fast"]["targets"] == []
    assert "coder" in document["agents"]


def test_a_target_of_weight_0_takes_over_when_nothing_else_is_left(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, targets=[{"model": "sim/alpha"}, {"model": "sim/beta", "weight": 0}])
    with change(by=actor):
        update_model(catalogue.models[0], enabled=False)

    assert latest().document["aliases"]["fast"]["targets"] == [{"model": "sim/beta", "weight": 1, "params": {}}]


def test_keys_stand_in_the_document_by_label_while_they_are_in_use(catalogue, actor: Actor) -> None:
    listed = latest().document["providers"]["sim"]["keys"]
    assert listed == [{"id": str(catalogue.key.pk), "label": "main", "weight": 1}]

    with change(by=actor):
        set_state(catalogue.key, KeyState.DISABLED)

    assert latest().document["providers"]["sim"]["keys"] == []
    assert catalogue.plaintext not in str(list(ConfigVersion.objects.values()))


def test_a_change_inside_a_change_joins_it(actor: Actor) -> None:
    with change(by=actor) as outer:
        create_provider(slug="one", kind="openai")
        with change(by=system_actor("inner")) as inner:
            create_provider(slug="two", kind="openai")
        assert not ConfigVersion.objects.exists()

    assert inner is outer
    assert ConfigVersion.objects.count() == 1
    assert set(AuditEntry.objects.values_list("actor_label", flat=True)) == {actor.label}


def test_an_error_undoes_everything_and_passes_through(catalogue, actor: Actor) -> None:
    before = current_publication()

    def half_a_change() -> None:
        with change(by=actor):
            update_alias(catalogue.alias, description="half done")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_change()

    catalogue.alias.refresh_from_db()
    assert catalogue.alias.description == ""
    assert current_publication() == before
    with change(by=actor) as after:
        update_alias(catalogue.alias, description="done")
    assert after.version == 2


def test_what_the_database_refuses_becomes_a_conflict_in_words(catalogue, actor: Actor) -> None:
    with pytest.raises(ConflictError, match="Load it again") as problem, change(by=actor):
        Provider.objects.create(slug="sim", kind="local")

    assert isinstance(problem.value.__cause__, IntegrityError)
    assert "UNIQUE" not in problem.value.message


def test_whoever_may_not_edit_is_refused_and_that_is_audited(viewer: User) -> None:
    with pytest.raises(ForbiddenError), change(by=actor_of_person(viewer)):
        pytest.fail("got in")

    assert AuditEntry.objects.get().was_refused


def test_a_publish_check_can_stop_a_change(catalogue, actor: Actor) -> None:
    def no_agents(config: LLMConfig) -> None:
        if len(config.agents) > 1:
            raise InvalidError("One agent is enough.")

    checks.register(no_agents)
    checks.register(no_agents)
    try:
        with pytest.raises(InvalidError, match="enough"), change(by=actor):
            create_agent(name="second", alias="fast")
    finally:
        checks.PUBLISH_CHECKS.remove(no_agents)

    assert no_agents not in checks.PUBLISH_CHECKS
    assert latest().number == 1


def test_a_service_is_granted_only_what_is_there(catalogue, actor: Actor) -> None:
    with change(by=actor):
        create_service(name="shop", scopes=["gateway:call"], aliases=["fast", "sim/alpha"])

    with pytest.raises(InvalidError, match="no such alias") as problem, change(by=actor):
        create_service(name="other", scopes=["gateway:call"], aliases=["slow"])
    assert "aliases" in problem.value.fields


def test_two_versions_are_compared(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, strategy="cheapest", targets=["sim/beta"])
        update_provider(catalogue.provider, timeout_s=30)

    assert diff(1, 2) == [
        {
            "object": "provider",
            "name": "sim",
            "op": "update",
            "before": {"timeout_s": 60.0},
            "after": {"timeout_s": 30.0},
        },
        {
            "object": "alias",
            "name": "fast",
            "op": "update",
            "before": {
                "targets": [
                    {"model": "sim/alpha", "weight": 1, "params": {}},
                    {"model": "sim/beta", "weight": 1, "params": {}},
                ],
                "strategy": "priority",
            },
            "after": {"targets": [{"model": "sim/beta", "weight": 1, "params": {}}], "strategy": "cheapest"},
        },
    ]
    assert [one["op"] for one in diff(2, 1)] == ["update", "update"]
    with pytest.raises(MissingError):
        diff(1, 99)


@pytest.mark.parametrize("ask", [lambda: list(versions()[:50]), current_publication])
def test_reading_the_history_or_the_number_in_force_is_one_query(
    catalogue, ask: Callable[[], object], django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):
        ask()


@pytest.mark.django_db(transaction=True)
def test_g15_this_process_hears_of_a_version_after_the_commit(actor: Actor) -> None:
    heard: list[tuple[int, int, bool]] = []

    def hear(*, version: int, revision: int, **_: object) -> None:
        heard.append((version, revision, connection.in_atomic_block))

    published.connect(hear)
    with change(by=actor):
        create_provider(slug="one", kind="openai")
    with pytest.raises(InvalidError), change(by=actor):
        create_provider(slug="two", kind="nobody")
    published.disconnect(hear)

    assert heard == [(1, 1, False)]


@pytest.mark.django_db(transaction=True)
def test_numbers_rise_without_gaps_when_many_change_at_once(actor: Actor) -> None:
    publish()
    problems: list[Exception] = []
    start = threading.Barrier(6)

    def edit(worker: int) -> None:
        try:
            start.wait()
            for turn in range(4):
                with change(by=system_actor(f"worker {worker}")):
                    create_provider(slug=f"p-{worker}-{turn}", kind="openai")
                    if turn == 2:
                        raise InvalidError("Not this one.")
        except InvalidError:
            with change(by=system_actor(f"worker {worker}")):
                create_provider(slug=f"p-{worker}-last", kind="openai")
        except Exception as problem:  # noqa: BLE001
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert list(ConfigVersion.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 20))
    assert current_publication() == (19, 19)
    for version in ConfigVersion.objects.exclude(number=1):
        assert len(version.changes) == 1
    assert Publication.objects.count() == 1
    assert compile_config().hash == latest().hash


@pytest.mark.django_db(transaction=True)
def test_two_first_changes_at_once_both_hold(db: None) -> None:
    start = threading.Barrier(2)
    problems: list[Exception] = []

    def edit(slug: str) -> None:
        try:
            start.wait()
            with change(by=system_actor("first")):
                create_provider(slug=slug, kind="openai")
        except Exception as problem:  # noqa: BLE001
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(slug,)) for slug in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert set(latest().document["providers"]) == {"one", "two"}


def test_deleting_what_is_disabled_is_a_version_too(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, targets=["sim/alpha"])
        update_model(catalogue.models[1], enabled=False)
    with change(by=actor) as made:
        delete_model(catalogue.models[1])

    assert [(one["op"], one["object"]) for one in made.changes] == [("delete", "model"), ("delete", "price")]
    assert ApiKey.objects.count() == 1
