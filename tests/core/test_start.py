import subprocess
import sys

import pytest

from tests.backing import ROOT


def _run(*arguments, tmp_path, **environment):
    clean = {"PATH": "/usr/bin:/bin", "LLMADMIN_DATA_DIR": str(tmp_path / "data"), **environment}
    return subprocess.run(
        [sys.executable, "-m", "llmadmin", *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("key", ["c2hvcnQ=", "spaces are no base64"])
def test_g11_no_command_runs_with_an_unfit_encryption_key(tmp_path, key):
    outcome = _run("check", tmp_path=tmp_path, LLMADMIN_ENCRYPTION_KEY=key)

    assert outcome.returncode == 2
    assert "llmadmin can't start: Encryption key 1" in outcome.stderr
    assert "LLMADMIN_ENCRYPTION_KEY" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert key not in outcome.stderr


def test_g11_production_does_not_start_without_its_own_keys(tmp_path):
    outcome = _run("check", tmp_path=tmp_path, LLMADMIN_ENV="production")

    assert outcome.returncode == 2
    assert "LLMADMIN_ENCRYPTION_KEY, LLMADMIN_SECRET_KEY, LLMADMIN_ALLOWED_HOSTS" in outcome.stderr
    assert not (tmp_path / "data" / "encryption.key").exists()
