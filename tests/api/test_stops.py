"""`stops/`: switches over REST."""

from __future__ import annotations

import uuid

import pytest

from llmadmin.limits.models import Stop

STOPS = "/api/v1/stops/"


def test_a_provider_is_stopped_listed_and_let_run_again(admin, catalogue):
    made = admin.post(STOPS, {"scope": "provider", "target": "sim", "reason": "Wrong invoices"}, format="json")

    assert made.status_code == 201
    body = made.json()
    assert body == {
        "id": body["id"],
        "scope": "provider",
        "target": "sim",
        "name": "sim",
        "reason": "Wrong invoices",
        "lifted_by_role": "editor",
        "stopped_at": body["stopped_at"],
        "stopped_by": "caller",
        "lifted_at": None,
        "lifted_by": "",
    }
    assert admin.get(STOPS).json()["results"] == [body]
    assert admin.get(f"{STOPS}{body['id']}/").json() == body

    lifted = admin.post(f"{STOPS}{body['id']}/lift/", HTTP_X_CHANGE_REASON="Mended")

    assert (lifted.status_code, lifted.json()["lifted_by"]) == (200, "caller")
    assert admin.get(STOPS).json()["results"] == []
    assert [one["id"] for one in admin.get(STOPS, {"lifted": "1"}).json()["results"]] == [body["id"]]
    assert admin.post(f"{STOPS}{body['id']}/lift/").status_code == 409


def test_stopping_twice_is_a_conflict(admin, catalogue):
    first, second = (admin.post(STOPS, {"scope": "everything", "reason": "x"}, format="json") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 409)
    assert Stop.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "scope"),
        ({"scope": "everything"}, 400, "reason"),
        ({"scope": "everything", "reason": ""}, 400, "reason"),
        ({"scope": "galaxy", "reason": "x"}, 400, "scope"),
        ({"scope": "everything", "reason": "x", "lifted_by_role": "viewer"}, 400, "lifted_by_role"),
        ({"scope": "everything", "reason": "x", "lifted_by_role": "owner"}, 400, "lifted_by_role"),
        ({"scope": "everything", "target": "sim", "reason": "x"}, 400, "target"),
        ({"scope": "provider", "target": "nobody", "reason": "x"}, 404, ""),
        ({"scope": "key", "target": "nobody", "reason": "x"}, 404, ""),
    ],
)
def test_bad_input_stops_nothing(admin, catalogue, body, status, field):
    answer = admin.post(STOPS, body, format="json")

    assert answer.status_code == status
    if field:
        assert field in answer.json()["error"]["fields"]
    assert not Stop.objects.exists()


def test_a_key_without_admin_turns_no_switch(service_client, catalogue):
    reader = service_client("config:read", "gateway:call")

    assert reader.get(STOPS).status_code == 200
    assert reader.post(STOPS, {"scope": "everything", "reason": "x"}, format="json").status_code == 403
    assert not Stop.objects.exists()


def test_what_is_no_stop_is_404(admin):
    assert admin.get(f"{STOPS}{uuid.uuid4()}/").status_code == 404
    assert admin.post(f"{STOPS}{uuid.uuid4()}/lift/").status_code == 404
