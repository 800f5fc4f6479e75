"""Switches on the live path: in force within a second, for calls, streams under way, and services that call by config."""

from __future__ import annotations

import httpx
import openai
import pytest

from llmadmin.accounts.actors import system_actor
from llmadmin.limits.services import lift_stop, stop_traffic
from tests.gateway.conftest import eventually

HELLO = [{"role": "user", "content": "Say hello"}]
WHY = "The bill runs away"


def _stop(scope: str, target: str = ""):
    return stop_traffic(scope, target, by=system_actor("tests"), reason=WHY)


def _refusal(live, key: str = "", model: str = "only") -> httpx.Response | None:
    """The refused answer, or None while calls go through."""
    try:
        live.client(key).chat.completions.create(model=model, messages=HELLO)
    except openai.APIStatusError as error:
        return error.response
    return None


def _key_id() -> str:
    from llmadmin.vault.models import ApiKey

    return str(ApiKey.objects.get().pk)


def test_stopping_everything_refuses_every_call_within_a_second_and_says_why(live):
    stop = _stop("everything")

    eventually(lambda: _refusal(live) is not None, within_s=1)
    answer = _refusal(live)
    assert answer is not None
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "stopped")
    assert WHY in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"

    lift_stop(stop, by=system_actor("tests"))
    eventually(lambda: _refusal(live) is None, within_s=1)


def test_a_stopped_service_is_refused_and_the_others_go_on(live):
    _stop("service", "shop")

    eventually(lambda: _refusal(live) is not None, within_s=1)
    answer = _refusal(live)
    assert answer is not None
    assert answer.status_code == 403
    assert WHY in answer.json()["error"]["message"]
    assert _refusal(live, live.limited_key) is None


@pytest.mark.parametrize("scope", ["provider", "key"])
def test_without_the_provider_or_its_only_key_the_next_target_answers(live, simulator, scope):
    _add_second_provider(simulator)
    assert _provider_of(live) == "sim"

    _stop(scope, "sim" if scope == "provider" else _first_key_id())

    eventually(lambda: _provider_of(live) == "spare", within_s=1)


def test_a_name_with_no_target_left_is_refused_with_the_reason(live):
    _stop("provider", "sim")

    eventually(lambda: _refusal(live) is not None, within_s=1)
    answer = _refusal(live)
    assert answer is not None
    assert answer.status_code == 503
    assert f"sim: {WHY}" in answer.json()["error"]["message"]


@pytest.mark.parametrize("scope", ["everything", "service", "provider", "key"])
def test_a_stream_under_way_ends_in_an_error_and_its_record_says_truncated(live, scope):
    live.simulator.set("sim-small", words=400, chunk_delay_ms=50)
    target = {"everything": "", "service": "shop", "provider": "sim", "key": _key_id()}[scope]
    stream = live.client().chat.completions.create(model="only", messages=HELLO, stream=True)
    next(iter(stream))

    _stop(scope, target)
    with pytest.raises(openai.APIError, match="stopped by an administrator"):
        list(stream)

    record = live.record()
    assert (record.status, record.settlement) == ("truncated", "aborted")
    assert record.output_tokens > 0


def test_a_stream_that_no_switch_names_goes_on(live):
    live.simulator.set("sim-small", words=60, chunk_delay_ms=20)
    stream = live.client().chat.completions.create(model="only", messages=HELLO, stream=True)
    next(iter(stream))

    _stop("service", "kiosk")

    assert list(stream)[-1].choices[0].finish_reason == "stop"


def test_a_service_that_calls_by_config_is_told_and_gets_no_keys(live):
    address = f"{live.server.url}/api/v1/config/"
    before = httpx.get(address, headers=live.bearer(live.secrets_key))
    assert before.json()["providers"]["sim"]["keys"][0]["api_key"]

    _stop("provider", "sim")
    waited = httpx.get(
        address,
        params={"wait": "20"},
        headers=live.bearer(live.secrets_key) | {"If-None-Match": before.headers["etag"]},
        timeout=30,
    )

    assert waited.status_code == 200
    told = waited.json()["providers"]["sim"]
    assert (told["stopped"], told["keys"]) == (WHY, [])
    assert waited.json()["version"] == before.json()["version"]


def test_only_the_stopped_service_reads_that_it_is_stopped(live):
    from llmadmin.accounts.models import Service

    assert Service.objects.filter(name="reader").exists()
    _stop("service", "reader")

    def stopped(key: str) -> bool:
        answer = httpx.get(f"{live.server.url}/api/v1/config/", headers=live.bearer(key))
        return "stopped" in answer.json()["providers"]["sim"]

    eventually(lambda: stopped(live.reader_key), within_s=1)
    assert not stopped(live.secrets_key)


def test_resolve_names_no_target_that_is_stopped(live):
    def targets() -> list[object]:
        answer = httpx.get(
            f"{live.server.url}/api/v1/resolve/", params={"alias": "safe"}, headers=live.bearer(live.reader_key)
        )
        return answer.json()["targets"]

    assert len(targets()) == 2

    _stop("key", _key_id())

    eventually(lambda: targets() == [], within_s=1)


def test_a_manager_on_the_stopped_config_sends_nothing(live):
    from providers import LLMConfig, LLMProviderError, LLMProviderManager

    _stop("provider", "sim")
    eventually(lambda: bool(live.server.runtime.snapshot.stops), within_s=1)
    config = LLMConfig.from_server(live.server.url, live.secrets_key)

    with pytest.raises(LLMProviderError, match=WHY) as refused:
        LLMProviderManager(config).call_model(prompt="Hello", model_name="only")

    assert refused.value.code == "stopped"


def _provider_of(live) -> str:
    answer = live.client().chat.completions.with_raw_response.create(model="both", messages=HELLO)
    return answer.headers["x-llmadmin-provider"]


def _first_key_id() -> str:
    from llmadmin.vault.models import ApiKey

    return str(ApiKey.objects.get(provider__slug="sim").pk)


def _add_second_provider(simulator) -> None:
    from llmadmin.catalog.services import create_model, create_provider
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_alias
    from llmadmin.vault.services import add_key
    from tests.gateway.conftest import UPSTREAM_KEY

    with change(by=system_actor("tests"), why="A spare"):
        spare = create_provider(slug="spare", kind="local", base_url=simulator.base_url, max_retries=0)
        add_key(spare, label="main", api_key=UPSTREAM_KEY)
        create_model(spare, name="sim-small")
        create_alias(name="both", targets=[{"model": "sim/sim-small"}, {"model": "spare/sim-small"}])


def test_with_one_of_two_keys_stopped_calls_go_out_with_the_other(live):
    from llmadmin.catalog.models import Provider
    from llmadmin.config.services import change
    from llmadmin.vault.services import add_key
    from tests.gateway.conftest import UPSTREAM_KEY

    with change(by=system_actor("tests"), why="A second key"):
        spare = add_key(Provider.objects.get(), label="spare", api_key=UPSTREAM_KEY + "-spare-is-refused", weight=1000)
    _stop("key", str(spare.pk))
    eventually(lambda: str(spare.pk) in live.server.runtime.snapshot.stops.keys, within_s=1)

    answers = [live.client().chat.completions.with_raw_response.create(model="only", messages=HELLO) for _ in range(5)]

    assert {answer.headers["x-llmadmin-attempts"] for answer in answers} == {"1"}


def test_two_services_of_equal_rights_read_their_own_switch(live):
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change

    with change(by=system_actor("tests"), why="A second reader"):
        other_key = issue_key(create_service(name="other", scopes=["config:read"]))[1]
    _stop("service", "reader")
    eventually(lambda: "reader" in live.server.runtime.snapshot.stops.services, within_s=1)

    def read(path: str, key: str) -> dict[str, object]:
        return httpx.get(f"{live.server.url}/api/v1/{path}", headers=live.bearer(key)).json()

    assert read("config/", live.reader_key)["providers"]["sim"]["stopped"] == WHY
    assert "stopped" not in read("config/", other_key)["providers"]["sim"]
    assert read("resolve/?alias=safe", live.reader_key)["targets"] == []
    assert len(read("resolve/?alias=safe", other_key)["targets"]) == 2
