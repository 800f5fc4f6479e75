"""The same code on PostgreSQL and Redis: server, worker and beat as processes of their own, by environment alone."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.stand import HELLO, UPSTREAM_KEY, Stand, furnish, until
from tests.live.server import ROOT, ServerProcess

DATABASE_URL, REDIS_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")

pytestmark = pytest.mark.skipif(
    not (DATABASE_URL.startswith("postgres") and REDIS_URL),
    reason="walked in the part on PostgreSQL and Redis: set DATABASE_URL and REDIS_URL",
)


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    name = f"llmadmin_journey_{uuid.uuid4().hex[:8]}"
    plain = DATABASE_URL.replace("postgres://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{DATABASE_URL.rpartition('/')[0]}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def queue() -> Iterator[str]:
    """A Redis database of our own, emptied before and after, so that no other run's worker takes our jobs."""
    import redis

    url = f"{REDIS_URL.rpartition('/')[0]}/14"
    with redis.from_url(url) as server:
        server.flushdb()
        yield url
        server.flushdb()


@contextmanager
def _part(server: ServerProcess, name: str, log: Path) -> Iterator[Path]:
    """`llmadmin serve --only NAME` while the block lasts; yields the file that it writes its log to."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "llmadmin", "serve", "--only", name],
            cwd=ROOT,
            env=server.environ,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_worker_and_beat_roll_up_what_the_server_recorded(database: str, queue: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        simulator = stack.enter_context(SimulatorServer(api_key=UPSTREAM_KEY))
        server = stack.enter_context(ServerProcess(DATABASE_URL=database, REDIS_URL=queue))
        stand = furnish(server, simulator)
        alias, key = stand.alias(), stand.service("gateway:call")
        stand.simulator.set("sim-large", status=503)
        answer = stand.client(key).chat.completions.with_raw_response.create(model=alias, messages=HELLO)
        [record] = stand.records(alias, count=1)
        hours_before = _rolled_up(database)

        worker = stack.enter_context(_part(server, "worker", tmp_path / "worker.log"))
        stack.enter_context(_part(server, "beat", tmp_path / "beat.log"))
        hours = until(lambda: _rolled_up(database), "the worker rolled the hour up", within_s=60)
        total = stand.admin.get("usage/summary/", group_by="alias")["total"]

        assert answer.headers["x-llmadmin-fallbacks"] == "1"
        assert hours_before == []
        assert hours == [(1, Decimal(record["cost_usd"]))]
        assert (total["calls"], total["recovered"]) == (1, 1)
        assert Decimal(total["cost_usd"]) == Decimal(record["cost_usd"])
        assert "roll_up_stale" in worker.read_text(encoding="utf-8")


def test_a_second_server_on_the_same_database_follows_the_first(database: str, queue: str) -> None:
    with ExitStack() as stack:
        simulator = stack.enter_context(SimulatorServer(api_key=UPSTREAM_KEY))
        first = stack.enter_context(ServerProcess(DATABASE_URL=database, REDIS_URL=queue))
        shared = (first.data_dir / "encryption.key").read_text(encoding="ascii")
        second = stack.enter_context(
            ServerProcess(DATABASE_URL=database, REDIS_URL=queue, LLMADMIN_ENCRYPTION_KEY=shared)
        )
        stand = furnish(first, simulator)
        # The key before the alias: a server that knows the later change knows the earlier one.
        key, alias = stand.service("gateway:call"), stand.alias()
        other = Stand(second, simulator, stand.admin_key)

        until(lambda: alias in other.admin.get("config/")["aliases"], "the second server has the alias")
        answer = other.client(key).chat.completions.with_raw_response.create(model=alias, messages=HELLO)

        assert answer.headers["x-llmadmin-config-version"] == str(stand.admin.get("config/")["version"])


def _rolled_up(database: str) -> list[tuple[int, Decimal]]:
    with psycopg.connect(database.replace("postgres://", "postgresql://")) as connection:
        return connection.execute("SELECT calls, cost_usd FROM usage_usagehour").fetchall()
