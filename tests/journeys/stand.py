"""What a journey walks through: the real server in a process of its own, a provider beside it, and keys for its doors.

Everything is set up as people and programs do it: by the command line and over REST.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import openai

from llmadmin.simulator.server import SimulatorServer
from tests.live.server import ServerProcess

UPSTREAM_KEY = "test-key-canary-7c41f0"
TARGETS = ("sim-large", "sim-small")
HELLO = [{"role": "user", "content": "Say hello"}]

Found = TypeVar("Found")


@dataclass
class Stand:
    """The server, its provider, and the key of a service that administers it."""

    server: ServerProcess
    simulator: SimulatorServer
    admin_key: str

    @property
    def admin(self) -> Rest:
        return Rest(self.server, self.admin_key)

    def service(self, *scopes: str, aliases: tuple[str, ...] = ()) -> str:
        """The key of a new service, known to the gateway. Over REST, since a command costs seconds."""
        name = f"shop-{uuid.uuid4().hex[:8]}"
        self.admin.post("services/", {"name": name, "scopes": list(scopes), "aliases": list(aliases)})
        key = str(self.admin.post(f"services/{name}/keys/", {})["key"])
        until(lambda: Rest(self.server, key).raw("GET", "config/").status_code in (200, 403), "the key is known")
        return key

    def alias(self, *models: str, **fields: Any) -> str:
        """A new alias over models of the provider, known to the gateway."""
        name = f"alias-{uuid.uuid4().hex[:8]}"
        targets = [{"model": f"sim/{model}"} for model in models or TARGETS]
        self.admin.post("aliases/", {"name": name, "targets": targets, **fields})
        until(lambda: name in self.admin.get("config/")["aliases"], "the alias is in force")
        return name

    def client(self, key: str) -> openai.OpenAI:
        return openai.OpenAI(api_key=key, base_url=self.server.gateway_url, max_retries=0, timeout=30)

    def records(self, alias: str, *, count: int, **filters: str) -> list[dict[str, Any]]:
        """The records of an alias, newest first, once `count` of them have reached the table settled."""

        def settled() -> list[dict[str, Any]] | None:
            found = self.admin.get("usage/", alias=alias, **filters)["results"]
            return found if len(found) >= count and all(one["settlement"] != "open" for one in found) else None

        return until(settled, f"{count} records of {alias}")

    def mend(self) -> None:
        for model in list(self.simulator.app.board.show()["models"]):
            self.simulator.set(model)


@dataclass
class Rest:
    """`/api/v1/` under one key."""

    server: ServerProcess
    key: str

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx.request(method, f"{self.server.url}/api/v1/{path}", headers=headers, timeout=30, **options)

    def get(self, path: str, **query: str) -> Any:
        return _json_of(self.raw("GET", path, params=query))

    def post(self, path: str, body: Any) -> Any:
        return _json_of(self.raw("POST", path, json=body))

    def patch(self, path: str, body: Any) -> Any:
        return _json_of(self.raw("PATCH", path, json=body))


def furnish(server: ServerProcess, simulator: SimulatorServer) -> Stand:
    """A provider with a key, two priced models and an administering service, on a server that runs."""
    scopes = [part for scope in ("admin", "config:read", "usage:read") for part in ("--scope", scope)]
    made = json.loads(server.run("create-service", "root", *scopes, "--json"))
    stand = Stand(server, simulator, made["key"])
    until(lambda: stand.admin.raw("GET", "config/").status_code == 200, "the key is known")
    rest = stand.admin
    rest.post("providers/", {"slug": "sim", "kind": "local", "base_url": simulator.base_url, "max_retries": 0})
    rest.post("keys/", {"provider": "sim", "label": "main", "api_key": UPSTREAM_KEY})
    for name in TARGETS:
        rest.post("models/", {"provider": "sim", "name": name})
    rest.post("prices/", {"model": "sim/sim-large", "input_usd_per_mtok": "10", "output_usd_per_mtok": "20"})
    rest.post("prices/", {"model": "sim/sim-small", "input_usd_per_mtok": "1", "output_usd_per_mtok": "2"})
    return stand


def until(look: Callable[[], Found], what: str, *, within_s: float = 20.0) -> Found:
    """What `look` finds once that is true, for what another process does in its own time."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"This did not happen within {within_s:g} s: {what}."
        time.sleep(0.05)
    return found


def _json_of(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json()
