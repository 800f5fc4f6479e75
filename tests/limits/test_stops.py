"""Switches: who may stop what, who may let it run again, and what stays as history."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from llmadmin.accounts.actors import actor_of_person, actor_of_service, command_actor
from llmadmin.accounts.services import create_service, update_service
from llmadmin.audit.models import AuditEntry
from llmadmin.config.models import ConfigVersion, Publication
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError
from llmadmin.limits.models import Stop
from llmadmin.limits.selectors import active_stops, find_stop
from llmadmin.limits.services import lift_stop, stop_traffic

WHY = "The bill runs away"


def test_a_stop_is_in_force_without_a_version_and_every_process_is_told(catalogue, owner):
    before, versions = Publication.objects.get().revision, ConfigVersion.objects.count()

    stop_traffic("provider", catalogue.provider.slug, by=actor_of_person(owner), reason=WHY)

    assert active_stops().providers == {catalogue.provider.slug: WHY}
    assert Publication.objects.get().revision == before + 1
    assert ConfigVersion.objects.count() == versions


def test_stopping_and_restarting_are_audited_with_the_reason(catalogue, owner):
    stop = stop_traffic("key", str(catalogue.key.pk), by=actor_of_person(owner), reason=WHY)
    lift_stop(stop, by=actor_of_person(owner), why="A new key is in")

    restart, halt = AuditEntry.objects.filter(action__in=("stop", "restart"))[:2]

    assert (halt.object_type, halt.object_name, halt.why) == (
        "key",
        f"{catalogue.provider.slug}/{catalogue.key.label}",
        WHY,
    )
    assert halt.after == {"reason": WHY, "lifted_by_role": "editor"}
    assert (restart.why, restart.actor_label) == ("A new key is in", "owner@example.com")
    assert not active_stops()
    assert Stop.objects.get().lifted_by == "owner@example.com"


def test_a_service_stays_stopped_under_another_name(actor):
    with change(by=actor):
        service = create_service(name="shop", scopes=["gateway:call"])
    stop_traffic("service", "shop", by=actor, reason=WHY)

    with change(by=actor):
        update_service(service, name="store")

    assert active_stops().services == {"store": WHY}


def test_the_role_that_a_stop_asks_for_lets_it_run_again_and_no_lower_one(catalogue, owner, editor):
    stop = stop_traffic("everything", by=actor_of_person(owner), reason=WHY, lifted_by_role="owner")

    with pytest.raises(ForbiddenError, match="only the role owner"):
        lift_stop(stop, by=actor_of_person(editor))

    assert active_stops().everything == WHY
    assert AuditEntry.objects.filter(was_refused=True, object_name="All traffic").exists()
    lift_stop(stop, by=command_actor())
    assert not active_stops()


def test_nobody_reserves_the_way_back_for_a_role_above_their_own(catalogue, editor):
    with pytest.raises(InvalidError, match="one below it"):
        stop_traffic("everything", by=actor_of_person(editor), reason=WHY, lifted_by_role="owner")


@pytest.mark.parametrize("scopes", [["gateway:call", "config:read"], []], ids=["caller", "none"])
def test_viewers_and_services_without_admin_turn_no_switch(catalogue, viewer, scopes):
    for by in (actor_of_person(viewer), actor_of_service("ci", scopes=scopes)):
        with pytest.raises((ForbiddenError, InvalidError)):
            stop_traffic("everything", by=by, reason=WHY)
    assert not Stop.objects.exists()


def test_a_service_with_admin_may_stop_and_restart(catalogue):
    ci = actor_of_service("ci", scopes=["admin"])

    lift_stop(stop_traffic("everything", by=ci, reason=WHY, lifted_by_role="admin"), by=ci)

    assert not active_stops()


def test_what_is_stopped_already_is_not_stopped_twice(catalogue, actor):
    first = stop_traffic("everything", by=actor, reason=WHY)

    with pytest.raises(ConflictError, match="stopped already"):
        stop_traffic("everything", by=actor, reason="Me too")
    lift_stop(first, by=actor)
    with pytest.raises(ConflictError, match="runs again already"):
        lift_stop(first, by=actor)

    assert stop_traffic("everything", by=actor, reason="Again").pk != first.pk


@pytest.mark.parametrize(
    ("scope", "target", "expected"),
    [
        ("galaxy", "", InvalidError),
        ("everything", "openai", InvalidError),
        ("provider", "nobody", MissingError),
        ("provider", "", MissingError),
        ("key", "no-uuid", MissingError),
        ("key", "00000000-0000-4000-8000-000000000000", MissingError),
        ("service", "<script>", MissingError),
    ],
)
def test_a_target_that_is_not_there_is_refused(catalogue, actor, scope, target, expected):
    with pytest.raises(expected):
        stop_traffic(scope, target, by=actor, reason=WHY)
    assert not Stop.objects.exists()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301], ids=["empty", "blank", "long"])
def test_a_stop_needs_a_reason_that_callers_can_read(catalogue, actor, reason):
    with pytest.raises(InvalidError) as refused:
        stop_traffic("everything", by=actor, reason=reason)
    assert "reason" in refused.value.fields


def test_the_database_itself_keeps_one_stop_for_each_target(catalogue, actor):
    stop_traffic("provider", catalogue.provider.slug, by=actor, reason=WHY)
    twin = find_stop("provider", catalogue.provider.slug)
    assert twin is not None
    twin.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        Stop(**{name: getattr(twin, name) for name in ("scope", "target", "label", "reason", "stopped_at")}).save()


def test_reading_the_switches_costs_one_query(catalogue, actor, django_assert_num_queries):
    stop_traffic("provider", catalogue.provider.slug, by=actor, reason=WHY)
    stop_traffic("key", str(catalogue.key.pk), by=actor, reason=WHY)

    with django_assert_num_queries(1):
        active_stops()
