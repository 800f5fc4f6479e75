"""apply, export, diff, rollback: the answer alone on standard output, sentences on standard error, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from llmadmin.audit.actor import Actor
from llmadmin.catalog.models import Provider
from llmadmin.config.selectors import current_publication, latest
from llmadmin.config.services import change
from llmadmin.routing.services import update_alias
from llmadmin.vault.opening import open_sealed, sealed_rows

pytestmark = pytest.mark.django_db
TEXT = """
providers:
  openai: {api_key: "${D2_TEST_KEY}"}
models: [{name: x, provider: openai}]
aliases: {fast: openai/x}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("D2_TEST_KEY", "test-key-alpha")
    path = tmp_path / "llm_config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def run(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(*map(str, words), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


UNPRICED = "! Model openai/x has no price, so its calls count as unpriced. Give it one, 0 for what is free.\n"


def test_apply_expands_the_environment_and_answers_in_short_lines(file: Path) -> None:
    assert run("apply", file) == (
        0,
        "Version 1: 4 changes.\n+ provider openai\n+ key openai/default\n+ model openai/x\n+ alias fast\n",
        UNPRICED,
    )
    assert open_sealed(sealed_rows()[0], origin="https://api.openai.com:443") == "test-key-alpha"
    assert run("apply", file) == (0, "Nothing to change: version 1 says the same.\n", "")
    assert latest().source == "file"


def test_apply_answers_in_json_as_rest_does(file: Path) -> None:
    code, out, err = run("apply", file, "--json", "--dry-run")

    answer = json.loads(out)
    assert (code, err) == (0, UNPRICED)
    assert (answer["version"], answer["changed"]) == (0, True)
    assert answer["warnings"] == [UNPRICED.strip("! \n")]
    assert answer["changes"][-1] == {
        "object": "alias",
        "name": "fast",
        "op": "create",
        "before": None,
        "after": {"targets": [{"model": "openai/x", "weight": 1, "params": {}}], "source": "file"},
    }
    assert "test-key-alpha" not in out
    assert not Provider.objects.exists()


def test_diff_exits_with_0_1_or_2(file: Path, tmp_path: Path) -> None:
    code, out, _ = run("diff", file)
    assert (code, out.splitlines()[0]) == (1, "+ provider openai")
    assert not Provider.objects.exists()

    run("apply", file)
    assert run("diff", file) == (0, "No difference.\n", "")
    assert run("diff", file, "--json")[0] == 0
    assert run("diff", tmp_path / "missing.yaml")[0] == 2


def test_an_update_names_the_fields_that_differ(file: Path) -> None:
    run("apply", file)
    file.write_text(TEXT.replace("fast: openai/x", "fast: {targets: [openai/x], strategy: weighted}"), encoding="utf-8")

    assert run("diff", file) == (1, "~ alias fast: strategy\n", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "no valid YAML"),
        ("aliases: {a: openai/none}", "openai/none"),
        (
            "providers: {openai: {}}\nmodels: [{name: x, provider: openai}]\naliases: {a: openai/x, b: a}",
            "itself an alias",
        ),
        (
            "providers: {openai: {}}\nmodels: [{name: x, provider: openai, price: {input_usd_per_mtok: '-1'}}]",
            "can't be negative",
        ),
        ("providers: {openai: {api_key: '${D2_TEST_MISSING}'}}", "D2_TEST_MISSING, which is not set"),
        ("providers: {mine: {kind: nobody}}", "Choose one of"),
        ("- a list", "mapping"),
    ],
)
@pytest.mark.parametrize("command", ["apply", "diff"])
def test_a_bad_file_is_a_sentence_on_standard_error_and_exit_code_2(
    file: Path, command: str, text: str, says: str
) -> None:
    file.write_text(text, encoding="utf-8")

    code, out, err = run(command, file)

    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert current_publication() == (0, 0)


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")

    code, out, err = run("apply", file)

    assert (code, out) == (2, "")
    assert err


def test_the_environment_does_not_override_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://else.example/v1")

    run("apply", file)

    assert open_sealed(sealed_rows()[0], origin="https://api.openai.com:443") == "test-key-alpha"


def test_apply_reads_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))

    assert run("apply", "-")[0] == 0
    assert Provider.objects.exists()


def test_export_writes_what_apply_reads_and_never_a_key(file: Path, tmp_path: Path) -> None:
    run("apply", file)
    target = tmp_path / "out.yaml"

    code, out, err = run("export")
    assert (code, err) == (0, "")
    assert run("export", target)[:2] == (0, "")

    assert target.read_text(encoding="utf-8") == out
    assert "test-key-alpha" not in out
    assert yaml.safe_load(out) == json.loads(run("export", "--json")[1])
    assert run("diff", target)[0] == 0


def test_export_to_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    code, out, err = run("export", tmp_path / "no" / "out.yaml")

    assert (code, out) == (2, "")
    assert "can't be written" in err


def test_rollback_restores_and_says_so(catalogue: Any, actor: Actor) -> None:
    with change(by=actor):
        update_alias(catalogue.alias, strategy="cheapest")

    assert run("rollback", "1") == (0, "Version 3 restores version 1.\n~ alias fast: strategy\n", "")
    assert latest().why == "Rolled back to version 1"
    code, out, err = run("rollback", "99")
    assert (code, out) == (2, "")
    assert "no version 99" in err
