"""An API key is replaced while calls run, at a provider that refuses the old one at once: no call fails."""

from __future__ import annotations

import uuid

import pytest

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.load import Load
from tests.journeys.stand import Stand, until


class Rotating:
    """A provider of its own on the stand's server, one key that is in use, and an alias over it."""

    def __init__(self, stand: Stand, simulator: SimulatorServer) -> None:
        mark = uuid.uuid4().hex[:8]
        self.stand, self.simulator, self.rest = stand, simulator, stand.admin
        self.old_text, self.new_text = f"test-key-old-{mark}", f"test-key-new-{mark}"
        self.slug, self.alias = f"sim-{mark}", f"alias-{mark}"
        simulator.app.accept(self.old_text)
        simulator.app.accept(self.new_text)
        self.rest.post(
            "providers/", {"slug": self.slug, "kind": "local", "base_url": simulator.base_url, "max_retries": 0}
        )
        self.key = self.rest.post("keys/", {"provider": self.slug, "label": "prod", "api_key": self.old_text})
        self.rest.post("models/", {"provider": self.slug, "name": "sim-small"})
        self.rest.post("aliases/", {"name": self.alias, "targets": [{"model": f"{self.slug}/sim-small"}]})
        until(lambda: self.alias in self.rest.get("config/")["aliases"], "the alias is in force")
        self.service_key = stand.service("gateway:call")

    def load(self) -> Load:
        return Load(lambda: self.stand.client(self.service_key), self.alias)

    def calls(self, text: str) -> int:
        return self.simulator.app.calls_by_key[text]

    def step(self, name: str, **body: bool) -> dict[str, object]:
        return self.rest.post(f"keys/{self.key['id']}/rotation/{name}/", body)

    def audited(self) -> list[str]:
        names = {f"{self.slug}/prod", f"{self.slug}/prod 2"}
        entries = self.rest.get("audit/", object="key")["results"]
        return [one["action"] for one in reversed(entries) if one["name"] in names]


@pytest.fixture
def rotating(stand: Stand, simulator: SimulatorServer) -> Rotating:
    return Rotating(stand, simulator)


def test_a_rotation_in_steps_under_load_fails_no_call(rotating: Rotating) -> None:
    with rotating.load() as load:
        load.go_on_for(20)
        begun = rotating.rest.post(f"keys/{rotating.key['id']}/rotation/", {"api_key": rotating.new_text})
        load.go_on_for(20)
        before_switch = rotating.calls(rotating.new_text)

        switched = rotating.step("switch")
        rotating.simulator.app.refuse(rotating.old_text)
        load.go_on_for(100)
        over_old = rotating.calls(rotating.old_text)
        load.go_on_for(50)

        retired = rotating.step("retire")
        load.go_on_for(20)

    assert load.failed == []
    assert [begun["step"], begun["test_passed"], switched["step"], retired["step"]] == [
        "tested",
        True,
        "draining",
        "retired",
    ]
    assert before_switch == 1, "the test alone"
    assert rotating.calls(rotating.new_text) > 100
    assert rotating.calls(rotating.old_text) == over_old
    states = {one["label"]: one["state"] for one in rotating.rest.get("keys/", provider=rotating.slug)["results"]}
    assert states == {"prod": "disabled", "prod 2": "active"}
    assert [act for act in rotating.audited() if act not in ("create", "update", "fail")] == [
        "start_rotation",
        "test",
        "switch",
        "retire",
    ]


def test_a_key_replaced_in_its_row_under_load_fails_no_call(rotating: Rotating) -> None:
    with rotating.load() as load:
        load.go_on_for(20)
        rotating.rest.post(f"keys/{rotating.key['id']}/rotate/", {"api_key": rotating.new_text})
        rotating.simulator.app.refuse(rotating.old_text)
        load.go_on_for(100)

    assert load.failed == []
    assert rotating.calls(rotating.new_text) >= 80
    assert rotating.rest.get(f"keys/{rotating.key['id']}/")["state"] == "active"


def test_a_new_key_that_does_not_work_is_never_used_and_the_rotation_can_be_cancelled(rotating: Rotating) -> None:
    rotating.simulator.app.refuse(rotating.new_text)

    with rotating.load() as load:
        load.go_on_for(10)
        begun = rotating.rest.post(f"keys/{rotating.key['id']}/rotation/", {"api_key": rotating.new_text})
        refused = rotating.rest.raw("POST", f"keys/{rotating.key['id']}/rotation/switch/", json={})
        load.go_on_for(20)
        cancelled = rotating.step("cancel")
        load.go_on_for(20)

    assert load.failed == []
    assert (begun["step"], begun["test_passed"]) == ("added", False)
    assert refused.status_code == 409
    assert "has not passed its test" in refused.json()["error"]["message"]
    assert cancelled["step"] == "cancelled"
    assert rotating.calls(rotating.new_text) == 0
    assert rotating.rest.get(f"keys/{rotating.key['id']}/")["state"] == "active"


def test_a_new_key_that_stops_working_while_the_old_one_drains_fails_no_call_and_the_way_back_is_open(
    rotating: Rotating,
) -> None:
    with rotating.load() as load:
        rotating.rest.post(f"keys/{rotating.key['id']}/rotation/", {"api_key": rotating.new_text})
        rotating.step("switch")
        load.go_on_for(30)
        rotating.simulator.app.refuse(rotating.new_text)
        load.go_on_for(50)
        retire = rotating.rest.raw("POST", f"keys/{rotating.key['id']}/rotation/retire/", json={})
        rotating.step("cancel")
        load.go_on_for(20)

    assert load.failed == []
    assert retire.status_code == 409
    assert rotating.rest.get(f"keys/{rotating.key['id']}/")["state"] == "active"
