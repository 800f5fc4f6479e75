"""The `llmadmin` command as scripts use it: what stands on standard output, and the exit code."""

from __future__ import annotations

import json
import re

import pytest

from tests.journeys.stand import Stand
from tests.live.server import ServerProcess

FILE = """
providers:
  lab: {kind: local, api_base: "http://127.0.0.1:9000/v1", api_key: "${LAB_KEY}"}
models:
  - {name: llama-lab, provider: lab, price: {input_usd_per_mtok: "0", output_usd_per_mtok: "0"}}
aliases:
  offline: lab/llama-lab
"""
KEY = "test-key-for-the-lab"


def test_create_service_with_json_prints_that_alone(stand: Stand) -> None:
    done = stand.server.command("create-service", "printer", "--scope", "config:read", "--json")

    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    made = json.loads(done.stdout)
    assert list(made) == ["service", "key"]
    assert made["service"] == "printer"
    assert re.fullmatch(r"lla_[\w-]{43}", made["key"])


def test_create_service_refuses_a_name_that_is_taken_and_prints_no_key(stand: Stand) -> None:
    done = stand.server.command("create-service", "root", "--scope", "config:read", "--json")

    assert done.returncode != 0
    assert done.stdout == ""
    assert "root" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    """A data folder with nothing running on it: commands need no server."""
    server = ServerProcess(data_dir=tmp_path_factory.mktemp("bench"), LAB_KEY=KEY)
    (server.data_dir / "llm_config.yaml").write_text(FILE, encoding="utf-8")
    return server


def test_diff_apply_and_export_agree_step_by_step(bench: ServerProcess) -> None:
    file = str(bench.data_dir / "llm_config.yaml")
    exported = bench.data_dir / "exported.yaml"

    different = bench.command("diff", file)
    rehearsed = bench.command("apply", file, "--dry-run", "--json")
    still_different = bench.command("diff", file)
    applied = bench.command("apply", file, "--json")
    same = bench.command("diff", file)
    bench.run("export", str(exported))
    same_as_export = bench.command("diff", str(exported), "--json")

    assert (different.returncode, still_different.returncode, same.returncode) == (1, 1, 0)
    assert (rehearsed.returncode, applied.returncode) == (0, 0)
    assert _changes(rehearsed.stdout) == _changes(applied.stdout)
    assert _changes(applied.stdout) >= {
        ("provider", "lab", "create"),
        ("model", "lab/llama-lab", "create"),
        ("alias", "offline", "create"),
    }
    assert json.loads(same_as_export.stdout)["changed"] is False
    for printed in (different, rehearsed, applied, same, exported.read_text(encoding="utf-8")):
        assert KEY not in str(printed)


def test_a_file_with_a_mistake_is_a_sentence_and_exit_code_2_for_both(bench: ServerProcess) -> None:
    file = bench.data_dir / "wrong.yaml"
    file.write_text("aliases:\n  fast: nowhere/nothing\n", encoding="utf-8")

    tried = [bench.command(command, str(file)) for command in ("diff", "apply")]

    for done in tried:
        assert (done.returncode, done.stdout) == (2, "")
        assert "nowhere/nothing" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_second_server_on_one_data_folder_is_refused_and_says_what_to_do(stand: Stand) -> None:
    done = stand.server.command("serve", "--port", "0")

    assert done.returncode != 0
    assert f"process {stand.server.pid}" in done.stderr
    assert "LLMADMIN_DATA_DIR" in done.stderr


def test_doctor_finds_the_running_installation_well(stand: Stand) -> None:
    done = stand.server.command("doctor")

    assert done.returncode == 0, done.stdout
    assert "mend" not in done.stdout


def _changes(answer: str) -> set[tuple[str, str, str]]:
    """What changed; a price is named without the moment from which it holds, which is each time now."""
    return {(one["object"], one["name"].partition(" from ")[0], one["op"]) for one in json.loads(answer)["changes"]}
