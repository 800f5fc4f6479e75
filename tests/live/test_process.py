"""The server as people start it, in a process of its own: changes from the command line, and `kill -9`."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import eventually
from tests.live.server import ServerProcess

CONFIG = """
providers:
  sim: {{kind: local, api_base: "{url}/simulated/v1", max_retries: 0}}
models:
  - {{name: sim-large, provider: sim}}
  - {{name: sim-small, provider: sim, price: {{input_usd_per_mtok: "1", output_usd_per_mtok: "2"}}}}
aliases:
  fast: {target}
"""


@pytest.fixture(scope="module")
def process() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


@pytest.fixture(scope="module")
def key(process: ServerProcess) -> str:
    _apply(process, "sim/sim-small")
    made = json.loads(process.run("create-service", "shop", "--scope", "gateway:call", "--json"))
    headers = {"Authorization": f"Bearer {made['key']}"}
    eventually(lambda: httpx.get(f"{process.gateway_url}/models", headers=headers).status_code == 200, within_s=3)
    return str(made["key"])


def _apply(process: ServerProcess, target: str) -> None:
    file = Path(process.data_dir) / "llm_config.yaml"
    file.write_text(CONFIG.format(url=process.url, target=target), encoding="utf-8")
    process.run("apply", str(file))


def _ask(process: ServerProcess, key: str, prompt: str = "Say hello", **fields: object) -> httpx.Response:
    return httpx.post(
        f"{process.gateway_url}/chat/completions",
        json={"model": "fast", "messages": [{"role": "user", "content": prompt}], **fields},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )


def _records(process: ServerProcess, columns: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(process.data_dir / "llmadmin.sqlite3") as database:
        return database.execute(f"SELECT {columns} FROM usage_usagerecord ORDER BY started_at").fetchall()


def test_a_fresh_server_prints_a_token_for_the_first_owner(process):
    assert len(process.setup_token) > 10


def test_the_simulator_is_there_and_answers_through_the_gateway(process, key):
    answer = _ask(process, key)

    assert answer.status_code == 200
    assert answer.json()["system_fingerprint"] == "simulated"


def test_g15_a_change_by_the_command_line_is_in_force_within_a_second(process, key):
    before = _ask(process, key).headers["x-llmadmin-model"]

    _apply(process, "sim/sim-large")

    eventually(lambda: _ask(process, key).headers["x-llmadmin-model"] == "sim/sim-large", within_s=1)
    assert before == "sim/sim-small"
    _apply(process, "sim/sim-small")


def test_the_embedded_server_sends_pages_to_set_up(process):
    answer = httpx.get(f"{process.url}/")

    assert answer.status_code in (302, 303)
    assert "/setup/" in answer.headers["location"]


def test_a_second_server_on_the_same_data_is_refused_with_a_sentence(process):
    second = ServerProcess(data_dir=process.data_dir)

    with pytest.raises(RuntimeError, match="already runs"):
        second.start()


def test_g3_kill_9_loses_no_call():
    with ServerProcess() as server:
        _apply(server, "sim/sim-small")
        key = json.loads(server.run("create-service", "shop", "--scope", "gateway:call", "--json"))["key"]
        eventually(lambda: _ask(server, key).status_code == 200, within_s=3)
        for _ in range(20):
            _ask(server, key)
        hanging = threading.Thread(target=_ignore_errors, args=(server, key), daemon=True)
        hanging.start()
        eventually(lambda: httpx.get(f"{server.url}/readyz").json()["calls_in_flight"] == 1)

        server.kill()
        hanging.join(10)
        server.start()

        eventually(lambda: len(_records(server, "status, settlement")) >= 22, within_s=20)
        records = _records(server, "status, settlement")
        assert records.count(("ok", "final")) >= 21
        assert sum(settlement == "aborted" for _, settlement in records) == 1


def _ignore_errors(server: ServerProcess, key: str) -> None:
    try:
        _ask(server, key, prompt="[simulate: delay_ms=60000]")
    except httpx.HTTPError:
        return


def test_g9_no_key_lies_in_clear_in_the_data_folder_or_the_log(process, key):
    import os

    assert _ask(process, key).status_code == 200

    for folder, _, names in os.walk(process.data_dir):
        for name in names:
            assert key.encode() not in (Path(folder) / name).read_bytes(), name
