"""What a config file owns over REST: refused with a sentence, taken over, given back; what would not work is counted and said."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from llmadmin.config.models import ConfigVersion

FILE = {
    "providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
    "models": [{"provider": "lab", "name": "one"}, {"provider": "lab", "name": "two"}],
    "aliases": {"fast": "lab/one"},
}


@pytest.fixture
def applied(admin: APIClient) -> APIClient:
    assert admin.post("/api/v1/apply/?name=team.yaml", FILE).status_code == 200
    return admin


def owner(client: APIClient, to: str) -> Any:
    return client.post("/api/v1/ownership/", {"object": "alias", "name": "fast", "owner": to})


def test_g14_changing_what_a_file_owns_is_409_with_the_way_out(applied: APIClient) -> None:
    for answer in (
        applied.patch("/api/v1/aliases/fast/", {"params": {"seed": 1}}),
        applied.delete("/api/v1/aliases/fast/"),
    ):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "owned_by_file"
        assert "take it over first" in answer.json()["error"]["message"]


def test_an_object_changes_hands_and_back(applied: APIClient) -> None:
    taken = owner(applied, "people")
    changed = applied.patch("/api/v1/aliases/fast/", {"targets": [{"model": "lab/two"}]})
    again = applied.post("/api/v1/apply/", FILE).json()
    given = owner(applied, "file")

    assert (taken.status_code, changed.status_code, given.status_code) == (200, 200, 200)
    assert taken.json()["changes"] == [
        {"object": "alias", "name": "fast", "op": "update", "before": {"source": "file"}, "after": {"source": "api"}}
    ]
    assert not again["changed"]
    assert "passed over" in again["warnings"][0]


def test_whose_the_objects_are_is_told(applied: APIClient) -> None:
    found = applied.get("/api/v1/ownership/").json()

    assert (found["file"]["name"], found["file"]["version"]) == ("team.yaml", 1)
    assert found["owned"] == {"provider": 1, "model": 2, "alias": 1, "agent": 0, "default": 0}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"object": "alias", "name": "fast", "owner": "me"}, id="an owner that is none"),
        pytest.param({"object": "key", "name": "fast", "owner": "people"}, id="what no file owns"),
        pytest.param({"object": "alias", "name": "fast", "owner": "people", "why": "x"}, id="a field too many"),
        pytest.param([], id="no object"),
    ],
)
def test_a_body_that_says_something_else_is_400(applied: APIClient, body: Any) -> None:
    assert applied.post("/api/v1/ownership/", body).status_code == 400


def test_readers_look_and_change_nothing(applied: APIClient, service_client: Any) -> None:
    reader = service_client("config:read", name="reader")

    assert reader.get("/api/v1/ownership/").status_code == 200
    assert owner(reader, "people").status_code == 403


def test_what_would_not_work_is_counted_in_the_answer_and_said_by_the_version(applied: APIClient) -> None:
    applied.post("/api/v1/providers/", {"slug": "openai", "kind": "openai"})
    applied.post("/api/v1/models/", {"provider": "openai", "name": "m"})

    answer = applied.post("/api/v1/aliases/", {"name": "smart", "targets": [{"model": "openai/m"}]})

    version = applied.get(f"/api/v1/versions/{answer.headers['x-llmadmin-config-version']}/").json()
    assert answer.headers["x-llmadmin-warnings"] == "2"
    assert ("no_usable_key", "warning", "provider", "openai") in {
        (one["code"], one["level"], one["object"], one["name"]) for one in version["warnings"]
    }


def test_a_rollback_is_rehearsed(applied: APIClient) -> None:
    applied.post("/api/v1/agents/", {"name": "coder", "alias": "fast"})

    answer = applied.post("/api/v1/versions/1/rollback/?dry_run=1").json()

    assert (answer["version"], answer["changed"]) == (2, True)
    assert [(one["op"], one["name"]) for one in answer["changes"]] == [("delete", "coder")]
    assert ConfigVersion.objects.count() == 2


def test_a_diff_speaks(applied: APIClient) -> None:
    owner(applied, "people")
    applied.patch("/api/v1/aliases/fast/", {"targets": [{"model": "lab/two"}]})

    assert applied.get("/api/v1/versions/2/diff/").json()["words"] == ["alias fast: target 1 was lab/one, is lab/two"]


def test_keys_travel_sealed_and_only_for_who_may_read_secrets(
    admin: APIClient, service_client: Any, catalogue: Any
) -> None:
    mover = service_client("admin", "secrets:read", name="mover")
    body = {"passphrase": "correct horse battery"}

    refused = admin.post("/api/v1/export/", body)
    found = mover.post("/api/v1/export/", body)
    text = found.content.decode()
    wrong = mover.post(
        "/api/v1/apply/?dry_run=1", text, content_type="application/yaml", headers={"X-Secrets-Passphrase": "another"}
    )

    assert (refused.status_code, found.status_code) == (403, 200)
    assert catalogue.plaintext not in text
    assert wrong.status_code == 400
    assert "Does not open" in wrong.json()["error"]["message"]
    assert mover.post("/api/v1/export/", {}).status_code == 400


def test_a_million_brackets_end_no_process(admin: APIClient, catalogue: Any) -> None:
    answer = admin.post("/api/v1/apply/", "[" * 1_000_000, content_type="application/yaml")

    assert answer.status_code == 400
    assert "nested" in answer.json()["error"]["message"]
