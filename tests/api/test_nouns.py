"""The objects of the configuration over REST: their whole JSON, and what bad input gets."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from llmadmin.catalog.models import Provider
from llmadmin.config.models import ConfigVersion
from llmadmin.vault.models import ApiKey

BOOKKEEPING = {"source", "revision", "created_at", "updated_at"}


def own(body: dict[str, Any]) -> dict[str, Any]:
    """Without what every object carries."""
    assert body.keys() >= BOOKKEEPING
    return {name: value for name, value in body.items() if name not in BOOKKEEPING}


def test_a_provider_is_made_read_changed_and_deleted(admin: APIClient) -> None:
    made = admin.post("/api/v1/providers/", {"slug": "lab", "kind": "local", "base_url": "http://127.0.0.1:9/v1/"})

    assert made.status_code == 201, made.content
    assert own(made.json()) == {
        "slug": "lab",
        "kind": "local",
        "label": "",
        "base_url": "http://127.0.0.1:9/v1",
        "default_model": "",
        "timeout_s": 60.0,
        "max_retries": 2,
        "headers": {},
        "options": {},
        "enabled": True,
    }
    assert made.headers["ETag"] == '"1"'
    assert int(made.headers["x-llmadmin-config-version"]) == ConfigVersion.objects.count()
    changed = admin.patch("/api/v1/providers/lab/", {"timeout_s": 5}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert changed.json()["timeout_s"] == 5
    assert changed.headers["ETag"] == '"2"'
    assert admin.get("/api/v1/providers/lab/").json() == changed.json()
    assert admin.delete("/api/v1/providers/lab/").status_code == 204
    assert admin.get("/api/v1/providers/lab/").status_code == 404


def test_an_object_sent_back_as_it_was_read_changes_nothing(admin: APIClient, catalogue: Any) -> None:
    for address in ("providers/sim/", "aliases/fast/", "agents/coder/", f"models/{catalogue.models[0].pk}/"):
        read = admin.get(f"/api/v1/{address}")
        before = ConfigVersion.objects.count()

        sent = admin.put(f"/api/v1/{address}", read.json(), headers={"If-Match": read.headers["ETag"]})

        assert sent.status_code == 200, (address, sent.content)
        assert own(sent.json()) == own(read.json())
        assert ConfigVersion.objects.count() == before


def test_g16_an_edit_of_what_someone_changed_meanwhile_is_refused(admin: APIClient, catalogue: Any) -> None:
    etag = admin.get("/api/v1/aliases/fast/").headers["ETag"]
    admin.patch("/api/v1/aliases/fast/", {"cache_ttl_s": 60})

    late = admin.patch("/api/v1/aliases/fast/", {"cache_ttl_s": 5}, headers={"If-Match": etag})

    assert late.status_code == 412
    assert late.json()["error"]["code"] == "stale"
    assert admin.get("/api/v1/aliases/fast/").json()["cache_ttl_s"] == 60


def test_a_key_never_shows_its_plaintext(admin: APIClient, catalogue: Any) -> None:
    made = admin.post("/api/v1/keys/", {"provider": "sim", "label": "second", "api_key": "test-key-beta-7777"})

    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["last4"], body["state"], body["weight"]) == ("7777", "active", 1)
    assert "api_key" not in body
    for answer in (
        made,
        admin.get("/api/v1/keys/"),
        admin.get(f"/api/v1/keys/{body['id']}/"),
        admin.get("/api/v1/audit/"),
    ):
        assert b"test-key-beta" not in answer.content
    assert "test-key-beta" not in str(ConfigVersion.objects.order_by("-number").values().first())


def test_g08_an_omitted_key_is_kept_and_a_mask_is_refused(admin: APIClient, catalogue: Any) -> None:
    address = f"/api/v1/keys/{catalogue.key.pk}/"
    before = bytes(ApiKey.objects.get().ciphertext)

    assert admin.patch(address, {"weight": 3}).status_code == 200
    assert bytes(ApiKey.objects.get().ciphertext) == before
    for mask in ("••••0001", "****0001", "…0001", "********"):
        refused = admin.patch(address, {"api_key": mask})
        assert refused.status_code == 400, mask
        assert "api_key" in refused.json()["error"]["fields"]
    assert bytes(ApiKey.objects.get().ciphertext) == before
    assert admin.post(f"{address}rotate/", {"api_key": "test-key-gamma-3333"}).json()["last4"] == "3333"


def test_g10_pointing_a_provider_elsewhere_locks_its_keys(admin: APIClient, catalogue: Any) -> None:
    admin.patch("/api/v1/providers/sim/", {"base_url": "http://127.0.0.1:10/v1"})

    key = admin.get(f"/api/v1/keys/{catalogue.key.pk}/").json()

    assert key["state"] == "locked"
    assert "enter it again" in key["state_reason"]
    assert admin.patch(f"/api/v1/keys/{catalogue.key.pk}/", {"state": "active"}).status_code == 409


def test_an_alias_that_names_an_alias_as_target_is_refused_at_its_field(admin: APIClient, catalogue: Any) -> None:
    refused = admin.post("/api/v1/aliases/", {"name": "chain", "targets": [{"model": "fast"}]})

    assert refused.status_code == 400
    assert "targets.0.model" in refused.json()["error"]["fields"]
    assert admin.get("/api/v1/aliases/chain/").status_code == 404


def test_names_with_dots_and_slashes_are_legal_aliases(admin: APIClient, catalogue: Any) -> None:
    for name in ("sonnet-3.7", "sim/alpha", "team/a/b"):
        made = admin.post("/api/v1/aliases/", {"name": name, "targets": [{"model": "sim/alpha", "weight": 2}]})
        assert made.status_code == 201, made.content

        read = admin.get(f"/api/v1/aliases/{name}/")

        assert read.json()["name"] == name
        assert read.json()["targets"] == [{"model": "sim/alpha", "weight": 2, "params": {}}]
        assert admin.delete(f"/api/v1/aliases/{name}/").status_code == 204


def test_a_provider_still_in_use_is_not_deleted_and_its_users_are_named(admin: APIClient, catalogue: Any) -> None:
    refused = admin.delete("/api/v1/providers/sim/")

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "in_use"
    assert any("sim/alpha" in one for one in refused.json()["error"]["fields"]["dependents"])
    assert Provider.objects.filter(slug="sim").exists()


def test_prices_are_exact_text_and_never_negative(admin: APIClient, catalogue: Any) -> None:
    made = admin.post(
        "/api/v1/prices/",
        {
            "model": "sim/alpha",
            "effective_from": "2030-01-01T00:00:00Z",
            "input_usd_per_mtok": "0.400",
            "output_usd_per_mtok": "1.6",
            "cached_input_usd_per_mtok": "0",
        },
    )

    assert made.status_code == 201, made.content
    assert (made.json()["input_usd_per_mtok"], made.json()["cached_input_usd_per_mtok"]) == ("0.4", "0")
    assert made.json()["reasoning_usd_per_mtok"] is None
    refused = admin.post(
        "/api/v1/prices/", {"model": "sim/alpha", "input_usd_per_mtok": "-1", "output_usd_per_mtok": "1"}
    )
    assert refused.status_code == 400
    assert "input_usd_per_mtok" in refused.json()["error"]["fields"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "slug"),
        ({"slug": "UPPER", "kind": "local", "base_url": "http://127.0.0.1/v1"}, "slug"),
        ({"slug": "x", "kind": "no-such-kind"}, "kind"),
        ({"slug": "x", "kind": "local"}, "base_url"),
        ({"slug": "x", "kind": "local", "base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"slug": "x", "kind": "local", "base_url": "http://169.254.169.254/v1"}, "base_url"),
        ({"slug": "x", "kind": "openai", "headers": {"Authorization": "Bearer test"}}, "headers.Authorization"),
        ({"slug": "x", "kind": "openai", "timeout_s": "soon"}, "timeout_s"),
        ({"slug": "x", "kind": "openai", "colour": "red"}, "colour"),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(admin: APIClient, body: dict[str, Any], field: str) -> None:
    before = ConfigVersion.objects.count()

    refused = admin.post("/api/v1/providers/", body)

    assert refused.status_code == 400, refused.content
    error = refused.json()["error"]
    assert error["type"] == "invalid_request"
    assert field in error["fields"], error
    assert error["request_id"]
    assert not Provider.objects.exists()
    assert ConfigVersion.objects.count() == before


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"\xff", b"null", b'{"slug": "x",}'])
def test_a_body_that_is_no_json_object_is_a_400(admin: APIClient, content: bytes) -> None:
    refused = admin.generic("POST", "/api/v1/providers/", content, content_type="application/json")

    assert refused.status_code == 400
    assert refused.json()["error"]["message"]


def test_a_list_has_pages_and_its_queries_do_not_grow(admin: APIClient) -> None:
    def add(count: int) -> None:
        Provider.objects.bulk_create(Provider(slug=f"p{n:03}", kind="openai") for n in range(count, count + 10))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert admin.get("/api/v1/providers/").status_code == 200
        return len(caught)

    add(0)
    first = queries()
    add(100)
    page = admin.get("/api/v1/providers/?page_size=7").json()
    seen = [row["slug"] for row in page["results"]]
    while page["next"]:
        page = admin.get(page["next"]).json()
        seen += [row["slug"] for row in page["results"]]

    assert len(seen) == len(set(seen)) == 20
    assert seen == sorted(seen)
    assert queries() == first
    assert admin.get("/api/v1/providers/?cursor=nonsense").status_code == 400
