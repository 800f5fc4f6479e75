"""The config in force: taken up within a second, also from another process; the database away changes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import openai
import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from tests.gateway.conftest import eventually

HELLO = [{"role": "user", "content": "Say hello"}]


def _change(why: str):
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change

    return change(by=system_actor("tests"), why=why)


def _target(live) -> str:
    answer = live.client().chat.completions.with_raw_response.create(model="only", messages=HELLO)
    return answer.headers["x-llmadmin-model"]


def _point_only_at(model: str) -> None:
    from llmadmin.routing.selectors import get_alias
    from llmadmin.routing.services import update_alias

    with _change("Point elsewhere"):
        update_alias(get_alias("only"), targets=[{"model": model}])


def test_g15_a_change_in_this_process_is_in_force_at_once(live):
    assert _target(live) == "sim/sim-small"

    _point_only_at("sim/sim-large")

    eventually(lambda: _target(live) == "sim/sim-large", within_s=2)


def test_g15_a_change_that_no_signal_tells_of_is_in_force_within_a_second(live):
    from llmadmin.config.signals import published

    published.receivers = [one for one in published.receivers if "gateway-runtime" not in str(one[0])]
    published.sender_receivers_cache.clear()
    before = live.server.runtime.snapshot.version

    _point_only_at("sim/sim-large")

    eventually(lambda: live.server.runtime.snapshot.version > before, within_s=2)
    assert _target(live) == "sim/sim-large"


def test_g12_a_revoked_key_stops_working_within_a_second(live):
    from llmadmin.accounts.models import ServiceKey
    from llmadmin.accounts.services import revoke_key

    with _change("Leaked"):
        revoke_key(ServiceKey.objects.get(service__name="shop"))

    def is_refused() -> bool:
        return httpx.get(f"{live.server.gateway_url}/models", headers=live.bearer()).status_code == 401

    eventually(is_refused, within_s=2)


def test_a_rotated_api_key_is_used_at_once(live):
    from llmadmin.vault.models import ApiKey
    from llmadmin.vault.services import rotate_key

    with _change("Rotate"):
        rotate_key(ApiKey.objects.get(), api_key="test-key-wrong-upstream")
    eventually(lambda: live.server.runtime.snapshot.revision > 1)

    def is_refused_upstream() -> bool:
        with pytest.raises(openai.APIStatusError) as failed:
            live.client().chat.completions.create(model="only", messages=HELLO)
        return failed.value.code == "upstream_key_refused"

    eventually(is_refused_upstream, within_s=2)


def test_g10_a_key_is_never_sent_to_an_address_it_was_not_entered_for(live):
    from llmadmin.catalog.selectors import get_provider
    from llmadmin.catalog.services import update_provider

    live.simulator.app.seen.clear()
    port = live.simulator.port
    with _change("Another host"):
        update_provider(get_provider("sim"), base_url=f"http://localhost:{port}/v1")

    def is_locked() -> bool:
        answer = httpx.post(
            f"{live.server.gateway_url}/chat/completions",
            json={"model": "only", "messages": HELLO},
            headers=live.bearer(),
        )
        return answer.status_code == 502

    eventually(is_locked, within_s=2)
    assert live.simulator.app.seen == []


def test_g10_a_key_does_not_open_for_another_address_however_that_came_to_be(live):
    from llmadmin.catalog.models import Provider
    from llmadmin.vault.models import ApiKey, KeyState

    live.simulator.app.seen.clear()
    with _change("Behind the services' back") as done:
        Provider.objects.update(base_url=f"http://localhost:{live.simulator.port}/v1")
    eventually(lambda: live.server.runtime.snapshot.version >= done.version)

    with pytest.raises(openai.APIStatusError) as failed:
        live.client().chat.completions.create(model="only", messages=HELLO)

    assert ApiKey.objects.get().state == KeyState.ACTIVE
    assert failed.value.code == "upstream_key_refused"
    assert live.simulator.app.seen == []


def test_a_service_key_ends_at_its_moment_without_any_change(live):
    from llmadmin.accounts.models import Service
    from llmadmin.accounts.services import issue_key

    with _change("For an hour") as done:
        key = issue_key(Service.objects.get(name="shop"), expires_at=timezone.now() + timedelta(hours=1))[1]
    runtime = live.server.runtime
    eventually(lambda: runtime.snapshot.version >= done.version and len(runtime.snapshot.admission) == 5)
    assert len(list(live.client(key).models.list())) > 0

    with time_machine.travel(timezone.now() + timedelta(hours=2)), pytest.raises(openai.AuthenticationError):
        live.client(key).models.list()


def test_last_use_of_both_kinds_of_key_is_noted(live):
    from llmadmin.accounts.models import ServiceKey
    from llmadmin.vault.models import ApiKey

    live.client().chat.completions.create(model="only", messages=HELLO)
    live.server.runtime._noted_at = 0.0

    eventually(lambda: ApiKey.objects.get().last_used_at is not None, within_s=3)
    assert ServiceKey.objects.get(service__name="shop").last_used_at is not None
    assert ServiceKey.objects.get(service__name="kiosk").last_used_at is None


def test_g18_calls_go_on_while_the_database_is_away(live, monkeypatch):
    from llmadmin.gateway import runtime as runtime_module

    def away() -> tuple[int, int]:
        raise OperationalError("could not connect to the server")

    runtime = live.server.runtime
    monkeypatch.setattr(runtime_module, "current_publication", away)
    eventually(lambda: bool(runtime.database_error))

    assert _target(live) == "sim/sim-small"
    ready = httpx.get(f"{live.server.url}/readyz").json()
    assert ready["status"] == "degraded"
    assert "database" in ready["reasons"][0]
    assert httpx.get(f"{live.server.url}/healthz").json() == {"status": "alive"}

    monkeypatch.undo()
    eventually(lambda: not runtime.database_error)
    assert httpx.get(f"{live.server.url}/readyz").json()["status"] == "ready"


def test_a_call_asks_the_database_nothing(live):
    from django.db import connections

    live.client().chat.completions.create(model="safe", messages=HELLO)
    queries: list[str] = []

    def note(execute, sql, params, many, context):
        queries.append(sql)
        return execute(sql, params, many, context)

    async def on_the_loop() -> None:
        """The wrapper stands on the connection of the thread that serves calls."""
        connections["default"].execute_wrappers.append(note)

    asyncio.run_coroutine_threadsafe(on_the_loop(), live.server.runtime._loop).result(5)
    for _ in range(3):
        live.client().chat.completions.create(model="safe", messages=HELLO)

    assert queries == []


def test_before_anything_is_loaded_calls_are_503_and_never_401():
    from llmadmin.gateway.errors import GatewayError
    from llmadmin.gateway.runtime import Runtime

    with pytest.raises(GatewayError) as refused:
        Runtime.current()

    assert refused.value.status == 503


def test_metrics_show_names_to_those_who_may_see_usage(live):
    live.client().chat.completions.create(model="only", messages=HELLO)

    public = httpx.get(f"{live.server.url}/metrics").text
    callers = httpx.get(f"{live.server.url}/metrics", headers=live.bearer()).text

    assert 'llmadmin_calls_total{status="ok"} 1.0' in public
    assert "sim-small" not in public + callers


def test_metrics_name_models_for_a_key_with_usage_read(live):
    from llmadmin.accounts.services import create_service, issue_key

    with _change("A watcher"):
        key = issue_key(create_service(name="watcher", scopes=["usage:read"]))[1]
    live.client().chat.completions.create(model="only", messages=HELLO)

    def shows_names() -> bool:
        text = httpx.get(f"{live.server.url}/metrics", headers={"Authorization": f"Bearer {key}"}).text
        return 'model="sim/sim-small"' in text

    eventually(shows_names, within_s=2)
