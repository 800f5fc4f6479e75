"""`impact/`, `canary/` and what `resolve/` answers beside its targets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
import time_machine
from rest_framework.test import APIClient

from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.routing.models import Alias
from llmadmin.routing.services import update_alias
from tests.console.traffic import NOW, keep, made
from tests.gateway.conftest import live, simulator  # noqa: F401 - fixtures

CANARY = {"model": "sim/beta", "share_percent": 5, "params": {"temperature": 0}}


@pytest.fixture
def trial(catalogue: Any, actor: Any) -> Alias:
    """`fast` goes to alpha, and tries beta with another temperature."""
    with change(by=actor):
        return update_alias(catalogue.alias, targets=["sim/alpha"], canary=CANARY)


@time_machine.travel(NOW, tick=False)
def test_the_whole_impact_of_a_model(admin: APIClient, catalogue: Any) -> None:
    keep(
        made(model="sim/alpha", alias="fast", agent="coder", service="shop"),
        made(model="sim/alpha", alias="fast", service="desk", cost_usd=None),
    )

    body = admin.get("/api/v1/impact/?model=sim/alpha").json()

    unpriced = {"configured": False, "calls": 1, "errors": 0, "unpriced_calls": 1, "cost_usd": None}
    priced = {"configured": True, "calls": 1, "errors": 0, "unpriced_calls": 0, "cost_usd": "0.01"}
    assert body == {
        "object": "model",
        "name": "sim/alpha",
        "from": "2026-03-03T13:00:00Z",
        "to": "2026-03-10T13:00:00Z",
        "counts": {"aliases": 1, "agents": 1, "services": 2},
        "aliases": [{"name": "fast", **priced, "calls": 2, "unpriced_calls": 1}],
        "agents": [{"name": "coder", **priced}],
        "services": [{"name": "shop", **priced, "configured": False}, {"name": "desk", **unpriced}],
        "services_that_may": 1,
        "total": {"calls": 2, "errors": 0, "unpriced_calls": 1, "cost_usd": "0.01"},
    }


def test_every_kind_of_object_is_found_by_what_its_address_is_called(admin: APIClient, catalogue: Any) -> None:
    model = catalogue.models[0]
    asked = {
        "provider": ["sim"],
        "key": [str(catalogue.key.pk)],
        "model": [str(model.pk), "sim/alpha"],
        "price": [str(model.prices.get().pk)],
        "alias": ["fast"],
        "agent": ["coder"],
        "service": ["caller"],
    }
    for kind, names in asked.items():
        for name in names:
            answer = admin.get("/api/v1/impact/", {kind: name})
            assert (answer.status_code, answer.json()["object"]) == (200, kind)
        assert admin.get("/api/v1/impact/", {kind: "none"}).status_code == 404


@pytest.mark.parametrize("query", ["", "?model=a/b&alias=c", "?alias=", "?nothing=1"])
def test_a_question_names_exactly_one_object(query: str, admin: APIClient) -> None:
    assert admin.get(f"/api/v1/impact/{query}").status_code == 400


def test_impact_tells_of_money_so_it_needs_both_permissions(service_client: Any, catalogue: Any) -> None:
    for number, (scopes, status) in enumerate(
        [(("config:read",), 403), (("usage:read",), 403), (("config:read", "usage:read"), 200)]
    ):
        client = service_client(*scopes, name=f"caller-{number}")
        assert client.get("/api/v1/impact/?alias=fast").status_code == status
        assert client.get("/api/v1/canary/?alias=fast").status_code == (403 if status == 403 else 404)


# Canaries


def test_an_alias_shows_its_canary_and_takes_it_back_unchanged(admin: APIClient, trial: Alias) -> None:
    read = admin.get("/api/v1/aliases/fast/").json()

    sent = admin.put("/api/v1/aliases/fast/", read)

    assert {name: read["canary"][name] for name in CANARY} == CANARY
    assert (sent.status_code, sent.json()) == (200, read)


def test_a_canary_is_begun_changed_and_ended_by_a_patch(admin: APIClient, catalogue: Any) -> None:
    canary = {**CANARY, "params": {"seed": 1}}
    begun = admin.patch("/api/v1/aliases/fast/", {"canary": canary})
    wider = admin.patch("/api/v1/aliases/fast/", {"canary": {**canary, "share_percent": 50}})
    ended = admin.patch("/api/v1/aliases/fast/", {"canary": None})

    assert begun.status_code == 200, begun.content
    assert wider.json()["canary"] == {**begun.json()["canary"], "share_percent": 50}
    assert ended.json()["canary"] is None


@pytest.mark.parametrize(
    ("canary", "field"),
    [
        ({"model": "sim/beta"}, "canary.share_percent"),
        ({"model": "sim/none", "share_percent": 5}, "canary.model"),
        ({"model": "sim/beta", "share_percent": "5"}, "canary.share_percent"),
        ([], "canary"),
    ],
    ids=["no share", "unknown", "text", "a list"],
)
def test_a_wrong_canary_is_named(canary: Any, field: str, admin: APIClient, catalogue: Any) -> None:
    answer = admin.patch("/api/v1/aliases/fast/", {"canary": canary})

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


def test_both_sides_are_told_with_what_can_be_said_of_them(admin: APIClient, trial: Alias) -> None:
    since = trial.canary_since
    with time_machine.travel(since, tick=False):
        keep(
            *(made(started_at=since, alias="fast", side="canary", latency_ms=100.0) for _ in range(3)),
            made(started_at=since, alias="fast", side="stable", latency_ms=300.0, cost_usd=Decimal("0.02")),
        )

        body = admin.get("/api/v1/canary/?alias=fast").json()

    assert body["canary_of"] == "fast"
    assert (body["canary"]["calls"], body["stable"]["calls"]) == (3, 1)
    assert (body["canary"]["latency_ms_p50"], body["stable"]["cost_per_call_usd"]) == (100.0, "0.02")
    assert {one["sureness"] for one in body["verdicts"]} == {"too few"}


@pytest.mark.parametrize(
    ("act", "targets"), [("promote", ["sim/beta", "sim/alpha"]), ("drop", ["sim/alpha"])], ids=["promote", "drop"]
)
def test_a_trial_ends_with_one_call_that_makes_a_version_with_its_reason(
    act: str, targets: list[str], admin: APIClient, trial: Alias
) -> None:
    answer = admin.post(f"/api/v1/canary/{act}/?alias=fast", headers={"X-Change-Reason": "Seen enough"})

    assert answer.status_code == 200, answer.content
    assert [one["model"] for one in answer.json()["targets"]] == targets
    assert answer.json()["canary"] is None
    assert (latest().number, latest().why) == (int(answer.headers["x-llmadmin-config-version"]), "Seen enough")
    assert admin.post(f"/api/v1/canary/{act}/?alias=fast").status_code == 400


def test_g16_ending_a_trial_that_somebody_changed_meanwhile_is_refused(admin: APIClient, trial: Alias) -> None:
    late = admin.post("/api/v1/canary/promote/?alias=fast", headers={"If-Match": '"1"'})

    assert late.status_code == 412
    assert admin.get("/api/v1/aliases/fast/").json()["canary"]


def test_a_reader_may_look_and_not_end_it(service_client: Any, trial: Alias) -> None:
    reader = service_client("config:read", "usage:read")

    assert reader.get("/api/v1/canary/?alias=fast").status_code == 200
    assert reader.post("/api/v1/canary/promote/?alias=fast").status_code == 403


# Resolving


def resolve(setting: Any, **query: str) -> dict[str, Any]:
    answer = httpx.get(
        f"{setting.server.url}/api/v1/resolve/", params=query, headers=setting.bearer(setting.reader_key)
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [target["model"] for target in body["targets"]]


def test_resolve_answers_as_ever_and_more_only_when_asked(live: Any) -> None:  # noqa: F811
    plain = resolve(live, alias="safe")

    assert set(plain) == {"version", "requested", "targets"}
    assert set(plain["targets"][0]) == {"model", "provider", "name", "base_url", "params", "why"}
    assert names(plain) == ["sim/sim-large", "sim/sim-small"]


def test_resolve_explains_each_step(live: Any) -> None:  # noqa: F811
    found = resolve(live, agent="coder", explain="1")["explanation"]

    assert (found["agent"], found["alias"], found["strategy"]) == ("coder", "safe", "priority")
    assert [step["role"] for step in found["steps"]] == ["answers", "fallback"]
    assert found["steps"][0]["params"] == [{"name": "max_tokens", "value": 6, "source": "agent"}]
    assert found["steps"][0]["keys"][0]["label"] == "main"


def test_resolve_without_a_provider_leaves_its_targets_out(live: Any) -> None:  # noqa: F811
    body = resolve(live, alias="safe", without="provider:sim", explain="1")

    assert names(body) == []
    assert body["explanation"]["answered"] is False
    assert {step["role"] for step in body["explanation"]["steps"]} == {"skipped"}


def test_resolve_in_the_order_of_the_strategy(live: Any, actor: Any) -> None:  # noqa: F811
    from tests.gateway.conftest import eventually

    with change(by=actor) as made_:
        update_alias(Alias.objects.get(name="safe"), strategy="cheapest")
    eventually(lambda: live.server.runtime.snapshot.version >= made_.version)

    assert names(resolve(live, alias="safe")) == ["sim/sim-small", "sim/sim-large"]


@pytest.mark.parametrize("query", [{"without": "openai"}, {"explain": "maybe"}, {"agent": "coder"}])
def test_resolve_refuses_what_it_does_not_understand(query: dict[str, str], live: Any) -> None:  # noqa: F811
    answer = httpx.get(
        f"{live.server.url}/api/v1/resolve/",
        params={"alias": "safe", **query},
        headers=live.bearer(live.reader_key),
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
