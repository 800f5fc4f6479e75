"""Versions, apply, export and usage over REST."""

from __future__ import annotations

import uuid
from typing import Any

import yaml
from rest_framework.test import APIClient

from llmadmin.config.models import ConfigVersion
from llmadmin.usage.models import UsageRecord
from llmadmin.usage.services import roll_up_stale

DOCUMENT = """
default_model: quick
providers:
  lab: {kind: local, api_base: "http://127.0.0.1:9000/v1", headers: {X-Team: lab}}
models:
  - {name: llama-lab, provider: lab, max_tokens: 4096, price: {input_usd_per_mtok: "0", output_usd_per_mtok: "0"}}
aliases:
  quick: lab/llama-lab
agents:
  coder: {alias: quick, params: {max_tokens: 800}}
"""


def post_yaml(client: APIClient, text: str, address: str = "/api/v1/apply/") -> Any:
    return client.generic("POST", address, text.encode(), content_type="application/yaml")


def test_apply_says_what_it_would_do_then_does_it_then_finds_nothing_to_do(admin: APIClient) -> None:
    before = ConfigVersion.objects.count()

    dry = post_yaml(admin, DOCUMENT, "/api/v1/apply/?dry_run=1").json()
    assert (dry["changed"], ConfigVersion.objects.count()) == (True, before)
    wet = post_yaml(admin, DOCUMENT).json()
    again = post_yaml(admin, DOCUMENT).json()

    assert {(one["object"], one["name"], one["op"]) for one in wet["changes"]} >= {
        ("provider", "lab", "create"),
        ("model", "lab/llama-lab", "create"),
        ("alias", "quick", "create"),
        ("agent", "coder", "create"),
    }
    # A price without a date holds from the moment at which it is applied, which its name says.
    assert [(c["object"], c["op"], c["after"]) for c in dry["changes"] if c["object"] != "price"] == [
        (c["object"], c["op"], c["after"]) for c in wet["changes"] if c["object"] != "price"
    ]
    assert again == {"version": wet["version"], "changed": False, "changes": [], "warnings": []}


def test_export_is_what_apply_takes(admin: APIClient) -> None:
    post_yaml(admin, DOCUMENT)

    text = admin.get("/api/v1/export/").content.decode()
    as_json = admin.get("/api/v1/export/?as=json").json()

    assert post_yaml(admin, text).json()["changed"] is False
    assert admin.post("/api/v1/apply/", as_json).json()["changed"] is False
    assert yaml.safe_load(text)["aliases"]["quick"]


def test_the_server_never_expands_names_of_its_environment(admin: APIClient, monkeypatch: Any) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "test-key-of-the-server")
    text = DOCUMENT.replace("kind: local,", "kind: local, api_key: '${A_SECRET_OF_THE_SERVER}',")

    refused = post_yaml(admin, text)

    assert refused.status_code == 400
    assert b"test-key-of-the-server" not in refused.content


def test_a_document_with_mistakes_writes_nothing(admin: APIClient) -> None:
    before = ConfigVersion.objects.count()
    for text in (
        "{",
        "providers: [",
        "- a\n- b",
        "aliases: {x: nowhere/model}",
        DOCUMENT.replace('"0"', '"-1"'),
        "!!python/object:os.x {}",
    ):
        refused = post_yaml(admin, text)
        assert refused.status_code == 400, text
        assert refused.json()["error"]["message"]
    assert ConfigVersion.objects.count() == before


def test_versions_list_differ_and_roll_back(admin: APIClient, catalogue: Any) -> None:
    good = admin.get("/api/v1/versions/").json()["results"][0]["number"]
    admin.patch("/api/v1/aliases/fast/", {"targets": [{"model": "sim/beta"}]}, headers={"X-Change-Reason": "try beta"})

    newest = admin.get("/api/v1/versions/").json()["results"][0]
    diff = admin.get(f"/api/v1/versions/{good}/diff/").json()
    back = admin.post(f"/api/v1/versions/{good}/rollback/").json()

    assert (newest["why"], newest["number"]) == ("try beta", good + 1)
    assert [(one["object"], one["name"], one["op"]) for one in diff["changes"]] == [("alias", "fast", "update")]
    assert back["changed"] is True
    assert back["version"] == good + 2
    assert [one["model"] for one in admin.get("/api/v1/aliases/fast/").json()["targets"]] == ["sim/alpha", "sim/beta"]
    assert admin.get("/api/v1/versions/99999/").status_code == 404


def test_usage_is_reported_once_read_back_and_summed(service_client: Any, catalogue: Any) -> None:
    client = service_client("usage:write", "usage:read", name="batch")
    record = {
        "id": str(uuid.uuid4()),
        "started_at": "2026-01-05T10:20:30Z",
        "model": "sim/alpha",
        "alias": "fast",
        "status": "ok",
        "settlement": "final",
        "input_tokens": 1_000_000,
        "output_tokens": 500_000,
        "latency_ms": 120,
        "service": "somebody-else",
        "cost_usd": "2.000000000001",
    }

    first = client.post("/api/v1/usage/", [record, {**record, "id": str(uuid.uuid4()), "cost_usd": None}])
    assert first.status_code == 200, first.content
    assert first.json() == {"accepted": 2, "duplicates": 0}
    assert client.post("/api/v1/usage/", record).json() == {"accepted": 0, "duplicates": 1}
    roll_up_stale()
    summed = client.get(
        "/api/v1/usage/summary/?group_by=model,day&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"
    ).json()
    listed = client.get("/api/v1/usage/?model=sim/alpha").json()["results"]

    assert [(row["model"], row["day"], row["calls"], row["unpriced_calls"]) for row in summed["results"]] == [
        ("sim/alpha", "2026-01-05", 2, 1)
    ]
    assert summed["total"]["cost_usd"] == "2.000000000001"
    assert summed["total"]["input_tokens"] == 2_000_000
    assert {row["service"] for row in listed} == {"batch"}
    assert {row["cost_usd"] for row in listed} == {"2.000000000001", None}


def test_usage_with_a_mistake_in_one_record_stores_none(service_client: Any, catalogue: Any) -> None:
    client = service_client("usage:write")
    good = {"id": str(uuid.uuid4()), "started_at": "2026-01-05T10:20:30Z", "model": "sim/alpha", "status": "ok"}

    refused = client.post("/api/v1/usage/", [good, {**good, "id": str(uuid.uuid4()), "input_tokens": -1}])
    too_many = client.post("/api/v1/usage/", [good] * 1001)
    none = client.post("/api/v1/usage/", [])

    assert refused.status_code == 400
    assert "1.input_tokens" in refused.json()["error"]["fields"]
    assert too_many.status_code == none.status_code == 400
    assert not UsageRecord.objects.exists()


def test_usage_needs_its_own_scopes(service_client: Any, catalogue: Any) -> None:
    assert service_client("config:read").get("/api/v1/usage/").status_code == 403
    assert service_client("usage:read", name="reader").post("/api/v1/usage/", []).status_code == 403
