"""The encryption key changes while the server answers calls, and whoever moves the rows is killed half-way."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.load import Load
from tests.journeys.stand import furnish, until
from tests.live.server import ROOT, ServerProcess

PROVIDERS = 20

STORE = """
import datetime
from llmadmin.accounts.actors import system_actor
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.services import create_provider
from llmadmin.config.services import change
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.models import ApiKey
from llmadmin.vault.sealing import bounds_of_row

ring = KeyRing.from_settings()
with change(by=system_actor("tests"), why="Many keys"):
    rows = []
    for number in range(PROVIDERS):
        provider = create_provider(slug=f"many-{number}", kind="local", base_url="http://127.0.0.1:9/v1")
        for place in range(KEYS // PROVIDERS):
            key = ApiKey(provider=provider, label=f"key {place}", origin=origin_of(provider), state="disabled", last4="")
            text = f"test-key-{number}-{place}"
            key.ciphertext = ring.encrypt(text, bound_to=bounds_of_row(key))
            key.encryption_key_id, key.fingerprint = ring.current_key_id, ring.fingerprint(text)
            rows.append(key)
    ApiKey.objects.bulk_create(rows, batch_size=500)
"""
READ_ALL = """
import json
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.models import ApiKey
from llmadmin.vault.reencryption import take_inventory
from llmadmin.vault.sealing import bounds_of_row

ring = KeyRing.from_settings()
right = 0
for key in ApiKey.objects.filter(provider__slug__startswith="many-").select_related("provider"):
    text = ring.decrypt(key.ciphertext, bound_to=bounds_of_row(key))
    expected = f"test-key-{key.provider.slug.removeprefix('many-')}-{key.label.removeprefix('key ')}"
    right += text == expected and ring.fingerprint(text) == key.fingerprint and key.encryption_key_id == ring.current_key_id
print(json.dumps({"right": right, "on_current": take_inventory().on_current}))
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("keys", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_g07_all_keys_move_under_load_with_a_kill_9_in_the_middle(simulator: SimulatorServer, keys: int) -> None:
    old, new = (base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    with ServerProcess(LLMADMIN_ENCRYPTION_KEY=old) as server:
        stand = furnish(server, simulator)
        alias, service_key = stand.alias(), stand.service("gateway:call")
        server.run("shell", "--no-imports", "-c", f"KEYS, PROVIDERS = {keys}, {PROVIDERS}\n{STORE}")
        server.stop()
        server.environ["LLMADMIN_ENCRYPTION_KEY"] = f"{new},{old}"
        server.start()

        with Load(lambda: stand.client(service_key), alias, callers=3) as load:
            load.go_on_for(10)
            first = _begin(server)
            seen_at_kill = until(lambda: _seen(server.data_dir, above=keys // 10), "the walk is under way", within_s=60)
            os.kill(first.pid, signal.SIGKILL)
            first.wait(timeout=30)
            load.go_on_for(10)

            second = server.command("rotate-encryption-key")
            load.go_on_for(10)
        server.stop()

        server.environ["LLMADMIN_ENCRYPTION_KEY"] = new
        found = json.loads(server.run("shell", "--no-imports", "-c", READ_ALL))

    assert load.failed == []
    assert found == {"right": keys, "on_current": keys + 1}
    assert seen_at_kill < keys, "it was killed before its end"
    assert second.returncode == 0, second.stderr
    assert "Going on after" in second.stderr


def _begin(server: ServerProcess) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "llmadmin", "rotate-encryption-key"],
        cwd=ROOT,
        env=server.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _seen(data_dir: Path, *, above: int) -> int:
    """How many rows the walk has looked at, as the database has it; 0 until it is more than `above`."""
    with sqlite3.connect(f"file:{data_dir / 'llmadmin.sqlite3'}?mode=ro", uri=True) as database:
        row = database.execute("SELECT seen FROM vault_reencryption").fetchone()
    return row[0] if row and row[0] > above else 0
