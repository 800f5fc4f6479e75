"""Who may call what over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

READABLE = ("providers/", "models/", "prices/", "aliases/", "agents/", "versions/", "export/")


def test_no_key_is_401_in_our_form(db: None) -> None:
    answer = APIClient().get("/api/v1/providers/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["type"] == "authentication"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Bearer a b", "Bearer lla_" + "x" * 43, "bearer \udcff"])
def test_a_wrong_key_is_401_even_with_a_session(
    person_client: Callable[[Any], APIClient], owner: Any, header: str
) -> None:
    client = person_client(owner)

    answer = client.get(
        "/api/v1/providers/", headers={"Authorization": header.encode("utf-8", "replace").decode("latin-1")}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("address", READABLE)
def test_config_read_reads_lists_and_changes_nothing(service_client: Any, catalogue: Any, address: str) -> None:
    client = service_client("config:read")

    assert client.get(f"/api/v1/{address}").status_code == 200
    assert client.post("/api/v1/aliases/", {"name": "x", "targets": []}).status_code == 403
    assert client.get("/api/v1/keys/").status_code == 403
    assert client.get("/api/v1/services/").status_code == 403


@pytest.mark.parametrize("address", READABLE)
def test_a_service_of_some_aliases_does_not_see_the_rest(service_client: Any, catalogue: Any, address: str) -> None:
    answer = service_client("config:read", aliases=("fast",)).get(f"/api/v1/{address}")

    assert answer.status_code == 403
    assert "config/" in answer.json()["error"]["message"]


@pytest.mark.parametrize("scope", ["gateway:call", "usage:write", "usage:read", "secrets:read"])
def test_other_scopes_open_no_configuration(service_client: Any, scope: str) -> None:
    client = service_client(scope)

    for address in READABLE:
        assert client.get(f"/api/v1/{address}").status_code == 403, address


def test_roles_hold_for_sessions_too(person_client: Any, owner: Any, editor: Any, viewer: Any, catalogue: Any) -> None:
    body = {"name": "new", "alias": "fast"}
    for person, expected in ((viewer, 403), (editor, 201)):
        client = person_client(person)
        client.get("/accounts/login/")
        client.handler.enforce_csrf_checks = False

        assert client.post("/api/v1/agents/", body).status_code == expected
        assert client.get("/api/v1/services/").status_code == 403
    assert person_client(owner).get("/api/v1/services/").status_code == 200


def test_a_session_without_the_csrf_token_changes_nothing(person_client: Any, owner: Any, catalogue: Any) -> None:
    refused = person_client(owner).post("/api/v1/agents/", {"name": "new", "alias": "fast"})

    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]["message"]


def test_a_disabled_service_and_a_revoked_key_are_out_at_once(admin: APIClient) -> None:
    made = admin.post("/api/v1/services/", {"name": "batch", "scopes": ["config:read"]})
    assert made.status_code == 201, made.content
    issued = admin.post("/api/v1/services/batch/keys/", {"label": "one"})
    assert issued.status_code == 201
    assert issued.headers["Cache-Control"] == "no-store"
    client = APIClient(headers={"Authorization": f"Bearer {issued.json()['key']}"})
    assert client.get("/api/v1/aliases/").status_code == 200

    admin.patch("/api/v1/services/batch/", {"enabled": False})
    assert client.get("/api/v1/aliases/").status_code == 401
    admin.patch("/api/v1/services/batch/", {"enabled": True})
    assert client.get("/api/v1/aliases/").status_code == 200
    admin.delete(f"/api/v1/services/batch/keys/{issued.json()['service_key']['id']}/")
    assert client.get("/api/v1/aliases/").status_code == 401


def test_g12_service_keys_are_shown_once_and_rotate_with_grace(admin: APIClient) -> None:
    admin.post("/api/v1/services/", {"name": "batch", "scopes": ["config:read"], "team": "data"})
    old = admin.post("/api/v1/services/batch/keys/").json()

    new = admin.post(f"/api/v1/services/batch/keys/{old['service_key']['id']}/rotate/", {"grace_s": 60}).json()

    for key in (old["key"], new["key"]):
        assert APIClient(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/aliases/").status_code == 200
        assert key.encode() not in admin.get("/api/v1/services/batch/").content
        assert key.encode() not in admin.get("/api/v1/audit/").content
    assert admin.get("/api/v1/services/batch/").json()["team"] == "data"


def test_unknown_addresses_answer_in_our_form(admin: APIClient) -> None:
    answer = admin.get("/api/v1/no-such-noun/")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_description_is_open_and_valid(db: None) -> None:
    client = APIClient()

    assert client.get("/api/schema/").status_code == 200
    assert b"swagger-ui" in client.get("/api/docs/").content
