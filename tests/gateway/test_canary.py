"""A share of an alias's calls goes to a target on trial first, through the live server with the official SDK."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import eventually

HELLO = [{"role": "user", "content": "Say hello"}]


def changed(setting, **fields) -> None:
    """Change the alias `only`, and wait until the gateway runs on it."""
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias

    with change(by=system_actor("tests"), why="Try another model") as made:
        update_alias(Alias.objects.get(name="only"), **fields)
    eventually(lambda: setting.server.runtime.snapshot.version >= made.version)


@pytest.fixture
def trial(live):
    """The alias `only` goes to sim-small, and half of its calls to sim-large first."""
    changed(live, canary={"model": "sim/sim-large", "share_percent": 50})
    return live


def call(setting, *, who: str = "", **options):
    headers = {"x-llmadmin-affinity": who} if who else {}
    create = setting.client().chat.completions.with_raw_response.create
    return create(model="only", messages=HELLO, extra_headers=headers, **options).headers


def on_side(setting, side: str) -> str:
    """Somebody whose calls are on this side."""
    wanted = {"canary": "sim/sim-large", "stable": "sim/sim-small"}[side]
    people = (f"person {number}" for number in range(50))
    return next(who for who in people if call(setting, who=who)["x-llmadmin-model"] == wanted)


def test_calls_are_shared_out_and_their_records_name_the_side(trial):
    from llmadmin.usage.models import UsageRecord

    for number in range(24):
        call(trial, who=f"person {number}")
    trial.record()

    seen = set(UsageRecord.objects.values_list("side", "model"))
    assert seen == {("canary", "sim/sim-large"), ("stable", "sim/sim-small")}


def test_calls_that_belong_together_stay_on_their_side(trial):
    for side in ("canary", "stable"):
        who = on_side(trial, side)
        assert len({call(trial, who=who)["x-llmadmin-model"] for _ in range(4)}) == 1


def test_a_failing_canary_is_absorbed_and_its_call_stays_on_its_side_of_the_count(trial):
    who = on_side(trial, "canary")
    trial.simulator.set("sim-large", status=503)

    headers = call(trial, who=who)

    record = trial.record()
    assert (headers["x-llmadmin-model"], headers["x-llmadmin-fallbacks"]) == ("sim/sim-small", "1")
    assert (record.side, record.model, record.status) == ("canary", "sim/sim-small", "recovered")


def test_a_failing_stable_target_is_not_absorbed_by_the_canary(trial):
    import openai

    who = on_side(trial, "stable")
    trial.simulator.set("sim-small", status=503)

    with pytest.raises(openai.APIStatusError):
        call(trial, who=who)

    assert trial.record().side == "stable"


def test_streams_and_embeddings_obey_it_too(trial):
    who = on_side(trial, "canary")

    create = trial.client().chat.completions.with_raw_response.create
    stream = create(model="only", messages=HELLO, stream=True, extra_headers={"x-llmadmin-affinity": who})
    list(stream.parse())

    assert stream.headers["x-llmadmin-model"] == "sim/sim-large"
    assert trial.record().side == "canary"


def test_without_a_canary_a_record_has_no_side(live):
    call(live)

    assert live.record().side is None


def test_the_cache_keeps_the_sides_apart(trial):
    changed(trial, cache_ttl_s=600)
    canary, stable = on_side(trial, "canary"), on_side(trial, "stable")

    seen = [(who, call(trial, who=who)) for who in (canary, stable, canary, stable)]

    assert [headers["x-llmadmin-cache"] for _, headers in seen[2:]] == ["hit", "hit"]
    assert {who: headers["x-llmadmin-model"] for who, headers in seen[2:]} == {
        canary: "sim/sim-large",
        stable: "sim/sim-small",
    }


def test_a_service_that_may_call_the_alias_alone_sees_the_canary_s_model_in_its_config(trial):
    import httpx

    answer = httpx.get(f"{trial.server.url}/api/v1/config/", headers=trial.bearer(trial.limited_key))

    document = answer.json()
    assert document["aliases"]["only"]["canary"]["model"] == "sim/sim-large"
    assert set(document["models"]) == {"sim/sim-small", "sim/sim-large"}


def test_promoting_sends_every_call_there_within_a_second(trial):
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import promote_canary

    stable = on_side(trial, "stable")
    with change(by=system_actor("tests"), why="As good, and faster") as made:
        promote_canary(Alias.objects.get(name="only"))
    eventually(lambda: trial.server.runtime.snapshot.version >= made.version, within_s=1.0)

    assert call(trial, who=stable)["x-llmadmin-model"] == "sim/sim-large"
