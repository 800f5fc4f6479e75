"""Production refuses to start half configured; a kept secret is made once, also by two starts at once."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmadmin.env import SetupError, kept_secret, private_file, secret

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in an environment of its own: on SQLite, whatever database this run of the tests is on."""
    ours = ("LLMADMIN_", "DJANGO_", "DATABASE_URL", "REDIS_URL")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-m", "llmadmin", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_g11_production_without_its_three_secrets_says_which_are_missing(tmp_path: Path) -> None:
    done = run("check", LLMADMIN_ENV="production", LLMADMIN_DATA_DIR=str(tmp_path), LLMADMIN_SECRET_KEY="x" * 50)

    assert done.returncode == 2
    assert "LLMADMIN_ENCRYPTION_KEY, LLMADMIN_ALLOWED_HOSTS" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_g11_a_short_encryption_key_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    done = run("serve", "--port", "1", LLMADMIN_DATA_DIR=str(tmp_path), LLMADMIN_ENCRYPTION_KEY="short")

    assert done.returncode != 0
    assert "LLMADMIN_ENCRYPTION_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fresh_encryption_key_can_be_had_before_any_setting(tmp_path: Path) -> None:
    done = run("doctor", "--new-key", LLMADMIN_ENV="production", LLMADMIN_DATA_DIR=str(tmp_path))

    assert done.returncode == 0
    assert len(done.stdout.strip()) >= 43


def test_several_workers_without_redis_are_refused(tmp_path: Path) -> None:
    done = run("serve", "--workers", "2", LLMADMIN_DATA_DIR=str(tmp_path), REDIS_URL="")

    assert done.returncode != 0
    assert "REDIS_URL" in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from-the-file\n")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SOME_SECRET", "from the environment")

    assert secret("SOME_SECRET") == "from-the-file"


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "absent"))

    with pytest.raises(SetupError, match="SOME_SECRET_FILE"):
        secret("SOME_SECRET")


def test_a_kept_secret_is_private_and_stays_the_same(tmp_path: Path) -> None:
    made = kept_secret(tmp_path / "new" / "secret.key")

    assert kept_secret(tmp_path / "new" / "secret.key") == made
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600


def test_two_first_starts_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: kept_secret(tmp_path / "secret.key"), range(16)))

    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_the_data_folder_and_the_database_are_for_their_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    done = run("migrate", "accounts", LLMADMIN_DATA_DIR=str(folder), LLMADMIN_SECRET_KEY="x" * 50)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("llmadmin.sqlite3*")} == {0o600}


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    for name in ("llmadmin.sqlite3", "llmadmin.sqlite3-wal"):
        (tmp_path / name).touch(mode=0o644)

    private_file(tmp_path / "llmadmin.sqlite3")

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_doctor_tells_the_rest_when_the_encryption_key_is_unfit(tmp_path: Path) -> None:
    run("migrate", LLMADMIN_DATA_DIR=str(tmp_path))

    done = run("doctor", LLMADMIN_DATA_DIR=str(tmp_path), LLMADMIN_ENCRYPTION_KEY="short")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for subject in ("Encryption", "Database", "Schema", "API keys", "Config", "Redis"):
        assert subject in done.stdout
