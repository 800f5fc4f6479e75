"""A live server with the simulator behind it: two models, an alias over both, an agent, and a service key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import openai
import pytest

from llmadmin.simulator.server import SimulatorServer
from tests.live.server import LiveServer

UPSTREAM_KEY = "test-key-upstream-alpha"


@dataclass
class Setting:
    """What stands: the server, its upstream, and a key for each kind of caller."""

    server: LiveServer
    simulator: SimulatorServer
    key: str
    limited_key: str
    reader_key: str
    secrets_key: str

    def client(self, key: str = "", **options: object) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=key or self.key, base_url=self.server.gateway_url, **{"max_retries": 0, "timeout": 30, **options}
        )

    def bearer(self, key: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {key or self.key}"}

    def record(self) -> object:
        """The newest record, once it has reached the table."""
        from llmadmin.usage.models import UsageRecord

        eventually(lambda: self.server.runtime.journal.in_flight == 0)
        self.server.drain()
        return UsageRecord.objects.order_by("-recorded_at", "-started_at").first()


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=UPSTREAM_KEY) as server:
        yield server


@pytest.fixture
def live(transactional_db: None, simulator: SimulatorServer) -> Iterator[Setting]:
    keys = build(simulator.base_url)
    with LiveServer() as server:
        yield Setting(server, simulator, **keys)
    for model in list(simulator.app.board.show()["models"]):
        simulator.set(model)


def build(base_url: str) -> dict[str, str]:
    """The catalogue that these tests call, and the plaintext of its service keys."""
    from llmadmin.accounts.actors import system_actor
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.catalog.services import create_model, create_provider, set_price
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_agent, create_alias
    from llmadmin.vault.services import add_key

    with change(by=system_actor("tests"), why="Set up"):
        provider = create_provider(slug="sim", kind="local", base_url=base_url, max_retries=0)
        add_key(provider, label="main", api_key=UPSTREAM_KEY)
        large = create_model(provider, name="sim-large")
        small = create_model(provider, name="sim-small")
        for name in ("sim-slow", "sim-cut", "sim-unmetered", "sim-free", "sim-embed", "sim-reasoning"):
            create_model(provider, name=name)
        set_price(large, input_usd_per_mtok="10", output_usd_per_mtok="20")
        set_price(small, input_usd_per_mtok="1", output_usd_per_mtok="2")
        create_alias(name="safe", targets=[{"model": "sim/sim-large"}, {"model": "sim/sim-small"}])
        create_alias(name="only", targets=[{"model": "sim/sim-small"}])
        create_agent(name="coder", alias="safe", params={"max_tokens": 6})
        return {
            "key": issue_key(create_service(name="shop", scopes=["gateway:call"]))[1],
            "limited_key": issue_key(
                create_service(name="kiosk", scopes=["gateway:call", "config:read"], aliases=["only"])
            )[1],
            "reader_key": issue_key(create_service(name="reader", scopes=["config:read"]))[1],
            "secrets_key": issue_key(create_service(name="keeper", scopes=["config:read", "secrets:read"]))[1],
        }


def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait until `condition` holds, for what another thread or process does in its own time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
