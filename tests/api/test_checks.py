"""Testing providers and keys, and listing their models, against a real server on loopback."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from llmadmin.simulator.server import SimulatorServer

KEY = "test-key-alpha-0001"


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def redirecting(simulator: SimulatorServer) -> Iterator[tuple[str, list[str]]]:
    """A server that sends every caller on to the simulator, and what it was sent."""
    seen: list[str] = []

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(302)
            self.send_header("Location", f"{simulator.base_url}/models")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests stay quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", seen
    server.shutdown()
    server.server_close()


def add(admin: APIClient, base_url: str, *, api_key: str = KEY) -> str:
    """A provider at this address with a key; the key's id."""
    made = admin.post("/api/v1/providers/", {"slug": "lab", "kind": "openai", "base_url": base_url})
    assert made.status_code == 201, made.content
    key = admin.post("/api/v1/keys/", {"provider": "lab", "label": "one", "api_key": api_key})
    assert key.status_code == 201, key.content
    return str(key.json()["id"])


def both(admin: APIClient, key_id: str) -> list[dict[str, Any]]:
    """What the provider's test and the key's test answer."""
    answers = [admin.post("/api/v1/providers/lab/test/"), admin.post(f"/api/v1/keys/{key_id}/test/")]
    assert [one.status_code for one in answers] == [200, 200], [one.content for one in answers]
    assert all(one.keys() == {"is_healthy", "step", "message", "latency_ms"} for one in map(_json, answers))
    assert all(KEY.encode() not in one.content for one in answers)
    return [_json(one) for one in answers]


def _json(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    return body


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_good_key_is_healthy(admin: APIClient, simulator: SimulatorServer) -> None:
    reports = both(admin, add(admin, simulator.base_url))

    assert [(one["is_healthy"], one["step"]) for one in reports] == [(True, "ok")] * 2


@pytest.mark.parametrize(
    ("address", "api_key", "step"),
    [
        ("{simulator}", "test-key-wrong-9999", "key"),
        ("http://127.0.0.1:{closed}/v1", KEY, "refused"),
        ("http://no-such-host.invalid/v1", KEY, "dns"),
        ("{simulator}/no/such/path", KEY, "address"),
        ("https://127.0.0.1:{port}/v1", KEY, "tls"),
    ],
)
def test_g32_each_failure_names_its_step(
    admin: APIClient, simulator: SimulatorServer, address: str, api_key: str, step: str
) -> None:
    base_url = address.format(simulator=simulator.base_url, closed=closed_port(), port=simulator.port)

    reports = both(admin, add(admin, base_url, api_key=api_key))

    assert [(one["is_healthy"], one["step"]) for one in reports] == [(False, step)] * 2, reports
    assert all(one["message"] for one in reports)


def test_redirects_are_not_followed_so_the_key_stays_where_it_was_sent(
    admin: APIClient, simulator: SimulatorServer, redirecting: tuple[str, list[str]]
) -> None:
    address, seen = redirecting

    reports = both(admin, add(admin, address))

    assert not any(one["is_healthy"] for one in reports)
    assert seen
    assert not simulator.seen


def test_sync_models_adds_what_is_new_and_nothing_the_second_time(admin: APIClient, simulator: SimulatorServer) -> None:
    add(admin, simulator.base_url)
    admin.post("/api/v1/models/", {"provider": "lab", "name": "sim-small", "context_window": 5})

    first = admin.post("/api/v1/providers/lab/sync-models/")
    second = admin.post("/api/v1/providers/lab/sync-models").json()

    assert first.status_code == 200, first.content
    assert "lab/sim-large" in first.json()["added"]
    assert "lab/sim-small" not in first.json()["added"]
    assert int(first.headers["x-llmadmin-config-version"]) > 0
    assert second == {"added": [], "known": len(first.json()["added"]) + 1}
    kept = admin.get("/api/v1/models/?provider=lab").json()["results"]
    assert next(one for one in kept if one["name"] == "sim-small")["context_window"] == 5


@pytest.mark.parametrize("address", ["http://127.0.0.1:{closed}/v1", "http://no-such-host.invalid/v1"])
def test_sync_models_of_a_provider_that_does_not_answer_says_why(admin: APIClient, address: str) -> None:
    add(admin, address.format(closed=closed_port()))

    refused = admin.post("/api/v1/providers/lab/sync-models/")

    assert refused.status_code == 409
    assert "did not list its models" in refused.json()["error"]["message"]


def test_a_locked_key_is_not_sent_anywhere(
    admin: APIClient, simulator: SimulatorServer, redirecting: tuple[str, list[str]]
) -> None:
    key_id = add(admin, simulator.base_url)
    address, seen = redirecting
    admin.patch("/api/v1/providers/lab/", {"base_url": address})

    report = admin.post(f"/api/v1/keys/{key_id}/test/").json()

    assert (report["is_healthy"], report["step"]) == (False, "key")
    assert not any(seen)
