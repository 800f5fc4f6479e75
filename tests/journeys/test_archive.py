"""A backup taken while the server runs, brought into an empty data folder."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.stand import HELLO, Stand, until
from tests.live.server import ServerProcess


def test_a_restored_installation_calls_with_the_stored_provider_key(stand: Stand, tmp_path: Path) -> None:
    alias, key = stand.alias(), stand.service("gateway:call")
    stand.client(key).chat.completions.create(model=alias, messages=HELLO)
    [before] = stand.records(alias, count=1)
    file = str(tmp_path / "backup.jsonl.gz")
    encryption_key = (stand.server.data_dir / "encryption.key").read_text(encoding="ascii")

    stand.server.run("backup", file)
    restored = _bare(tmp_path / "restored", LLMADMIN_ENCRYPTION_KEY=encryption_key)
    restored.run("restore", file)
    with restored:
        there = Stand(restored, stand.simulator, stand.admin_key)
        answer = until(lambda: there.client(key).chat.completions.create(model=alias, messages=HELLO), "an answer")
        newest, oldest = there.records(alias, count=2)

    assert answer.choices[0].message.content
    assert oldest["id"] == before["id"]
    assert oldest["cost_usd"] == newest["cost_usd"] == before["cost_usd"]


def test_without_the_encryption_key_the_server_does_not_start_and_says_why(stand: Stand, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.jsonl.gz")
    stand.server.run("backup", file)
    other = _bare(tmp_path / "other")

    restored = other.command("restore", file)
    served = other.command("serve", "--port", "0")

    assert "LLMADMIN_ENCRYPTION_KEY" in restored.stderr
    assert served.returncode != 0
    assert "LLMADMIN_ENCRYPTION_KEY" in served.stderr
    assert "Traceback" not in restored.stderr + served.stderr


def _bare(folder: Path, **environ: str) -> ServerProcess:
    """A server that was never started, on an empty data folder."""
    folder.mkdir()
    return ServerProcess(data_dir=folder, **environ)
