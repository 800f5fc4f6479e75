"""PostgreSQL goes away under a running server and comes back (G18)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import backing
from tests.gateway.conftest import eventually
from tests.live.server import ServerProcess
from tests.live.test_process import CONFIG

pytestmark = pytest.mark.postgres


class Database:
    """A PostgreSQL database of this test's own that can be closed to everybody."""

    def __init__(self, url: str) -> None:
        self._admin_url = url.replace("postgres://", "postgresql://")
        self.name = f"llmadmin_away_{secrets.token_hex(4)}"
        self.url = f"{url.rpartition('/')[0]}/{self.name}"

    def close(self) -> None:
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def reopen(self) -> None:
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    def create(self) -> None:
        self._run(f"CREATE DATABASE {self.name}")

    def drop(self) -> None:
        self._run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def count(self, table: str) -> int:
        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
            return int(row[0]) if row else 0

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture
def database() -> Iterator[Database]:
    with backing.postgres() as url:
        database = Database(url)
        database.create()
        yield database
        database.drop()


def test_g18_calls_and_config_reads_go_on_and_usage_is_written_later(database):
    with ServerProcess(DATABASE_URL=database.url) as server:
        file = Path(server.data_dir) / "llm_config.yaml"
        file.write_text(CONFIG.format(url=server.url, target="sim/sim-small"), encoding="utf-8")
        server.run("apply", str(file))
        scopes = ("--scope", "gateway:call", "--scope", "config:read", "--scope", "secrets:read")
        key = json.loads(server.run("create-service", "shop", *scopes, "--json"))["key"]
        headers = {"Authorization": f"Bearer {key}"}
        body = {"model": "fast", "messages": [{"role": "user", "content": "hi"}]}
        eventually(lambda: httpx.get(f"{server.gateway_url}/models", headers=headers).status_code == 200)

        database.close()
        eventually(lambda: httpx.get(f"{server.url}/readyz").json()["status"] == "degraded", within_s=30)
        chats = [httpx.post(f"{server.gateway_url}/chat/completions", json=body, headers=headers) for _ in range(5)]
        config = httpx.get(f"{server.url}/api/v1/config/", headers=headers, timeout=30)
        refused = httpx.get(f"{server.gateway_url}/models", headers={"Authorization": "Bearer wrong"})

        assert [chat.status_code for chat in chats] == [200] * 5
        assert (config.status_code, refused.status_code) == (200, 401)
        assert httpx.get(f"{server.url}/healthz").status_code == 200

        database.reopen()
        eventually(lambda: database.count("usage_usagerecord") == 5, within_s=60)
        eventually(lambda: database.count("audit_auditentry WHERE action = 'read_secrets'") == 1, within_s=30)
        eventually(lambda: httpx.get(f"{server.url}/readyz").json()["status"] == "ready", within_s=30)
