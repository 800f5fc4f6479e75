"""The calls that the live path answers from memory, beside Django: every one times every scope."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live.server import LiveServer
from tests.matrix.table import DOORS, LIVE, SCOPES

CALL = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}
BODIES = {
    "/v1/completions": {"model": "fast", "prompt": "Hello"},
    "/v1/embeddings": {"model": "fast", "input": "Hello"},
}
PATHS_WITH_QUERY = {"/api/v1/resolve/": "/api/v1/resolve/?alias=fast"}


@pytest.fixture
def place(transactional_db: None) -> Iterator[tuple[str, dict[str, str]]]:
    """A running server, and a key for each scope that carries nothing else."""
    from llmadmin.accounts.actors import command_actor
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.catalog.services import create_model, create_provider
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_alias

    keys = {}
    with change(by=command_actor()):
        provider = create_provider(slug="sim", kind="local", base_url="http://127.0.0.1:9/v1")
        create_model(provider, name="alpha")
        create_alias(name="fast", targets=[{"model": "sim/alpha"}])
        for scope in SCOPES:
            service = create_service(name=scope.replace(":", "-"), scopes=[scope])
            keys[scope] = issue_key(service)[1]
    with LiveServer() as server:
        yield server.url, keys


def test_every_call_of_the_gateway_has_its_line() -> None:
    from llmadmin.gateway import app

    there = {(path, method) for path, methods in app._ENDPOINTS.items() for method in methods}

    assert sorted(there - LIVE.keys()) == [], "add a line for each of these to tests/matrix/calls.txt"


def test_each_live_call_lets_in_the_keys_that_the_table_names(place: tuple[str, dict[str, str]]) -> None:
    url, keys = place
    wrong = []

    for (path, method), name in LIVE.items():
        door = DOORS[name]
        for scope, key in {**keys, "no key": "", "a made-up key": "lla_made-up"}.items():
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            body = BODIES.get(path, CALL) if method == "POST" else None
            address = f"{url}{PATHS_WITH_QUERY.get(path, path)}"
            status = httpx.request(method, address, headers=headers, json=body, timeout=30).status_code
            is_let_in = door.is_open or scope in door.scopes
            said = "let in" if is_let_in else "403" if scope in SCOPES else "401"
            heard = str(status) if status in (401, 403) else "let in"
            if heard != said:
                wrong.append(f"{method} {path}: {scope} should be {said}, and is {status}")

    assert wrong == []
