"""One server and one provider for all journeys of a process; each journey makes its own names on them.

Where the suite runs on PostgreSQL and Redis, only the journey through separate processes is walked: the others start
servers of their own on SQLite, and were walked there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.stand import UPSTREAM_KEY, Stand, furnish
from tests.live.server import ServerProcess

if os.environ.get("DATABASE_URL"):
    collect_ignore = [
        f"test_{name}.py"
        for name in (
            "sdk",
            "config",
            "commands",
            "archive",
            "kill",
            "secrets",
            "refusals",
            "drills",
            "key_rotation",
            "encryption_key",
            "lost_encryption_key",
        )
    ]


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=UPSTREAM_KEY) as server:
        yield server


@pytest.fixture(scope="session")
def furnished(simulator: SimulatorServer) -> Iterator[Stand]:
    with ServerProcess() as server:
        yield furnish(server, simulator)


@pytest.fixture
def stand(furnished: Stand) -> Iterator[Stand]:
    """The stand, with a provider that works before and after."""
    furnished.mend()
    yield furnished
    furnished.mend()
