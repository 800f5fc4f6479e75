"""What a backup holds comes back as it was; what is no whole backup changes nothing."""

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from llmadmin.accounts.models import User
from llmadmin.config.compiler import compile_config
from llmadmin.core.errors import InvalidError
from llmadmin.operations.archive import kept_models, read_backup, write_backup
from llmadmin.usage.models import Attempt, UsageRecord

STARTED = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)


def everything() -> dict[str, list[dict[str, Any]]]:
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in kept_models()}


def empty_the_database() -> None:
    call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def filled(transactional_db: None, catalogue: Any) -> Path:
    record = UsageRecord.objects.create(
        started_at=STARTED,
        model="sim/alpha",
        status="ok",
        settlement="final",
        cost_usd=Decimal("0.000000000001"),
        tags={"ü": "ع"},
    )
    Attempt.objects.create(
        record=record, position=0, provider="sim", model="sim/alpha", status="ok", started_at=STARTED
    )
    UsageRecord.objects.filter(pk=record.pk).update(recorded_at=STARTED)
    return Path()


def test_a_restored_database_is_the_same_to_the_last_field(filled: Path, tmp_path: Path) -> None:
    before, document = everything(), compile_config().to_document()
    write_backup(tmp_path / "backup.jsonl.gz")
    empty_the_database()
    assert not User.objects.exists()

    counts = read_backup(tmp_path / "backup.jsonl.gz")

    assert everything() == before
    assert compile_config().to_document() == document
    assert counts["usage.UsageRecord"] == 1
    User.objects.create_user("after@example.com", "a password of some length")


def test_a_backup_holds_no_plaintext_and_no_encryption_key(
    filled: Path, tmp_path: Path, catalogue: Any, settings: Any
) -> None:
    write_backup(tmp_path / "backup.jsonl.gz")

    text = gzip.decompress((tmp_path / "backup.jsonl.gz").read_bytes()).decode()

    assert catalogue.plaintext not in text
    assert str(settings.ENCRYPTION_KEYS) not in text
    assert (tmp_path / "backup.jsonl.gz").stat().st_mode & 0o077 == 0


def test_a_backup_that_ends_early_restores_nothing(filled: Path, tmp_path: Path) -> None:
    write_backup(tmp_path / "whole.gz")
    lines = gzip.decompress((tmp_path / "whole.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(lines[:-2])))
    empty_the_database()

    with pytest.raises(InvalidError, match="Nothing was restored"):
        read_backup(tmp_path / "cut.gz")

    assert not any(rows for rows in everything().values())


def test_a_database_with_rows_in_it_is_not_restored_over(filled: Path, tmp_path: Path) -> None:
    write_backup(tmp_path / "backup.gz")

    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(tmp_path / "backup.gz"))


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"{}\n"), gzip.compress(b"[1]\n"), gzip.compress(b"\xff\xfe\n")],
    ids=["empty", "no gzip", "no header", "a list", "no text"],
)
def test_a_file_that_is_no_backup_is_refused_in_words(db: None, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(InvalidError):
        read_backup(tmp_path / "file")


def test_a_backup_of_a_newer_version_is_refused(db: None, tmp_path: Path) -> None:
    header = {
        "llmadmin_backup": 1,
        "migrations": ["catalog.0999_from_the_future"],
        "made_at": "",
        "encryption_key_id": "",
    }
    (tmp_path / "newer.gz").write_bytes(gzip.compress(json.dumps(header).encode() + b"\n"))

    with pytest.raises(InvalidError, match="newer llmadmin"):
        read_backup(tmp_path / "newer.gz")


def test_the_command_never_overwrites_a_file(db: None, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")

    with pytest.raises(CommandError, match="there already"):
        call_command("backup", str(tmp_path / "there"))

    assert (tmp_path / "there").read_text() == "precious"


def test_sessions_are_left_out(transactional_db, tmp_path, owner, client):
    """Whoever reads a backup must not be signed in by it."""
    client.force_login(owner)

    counts = write_backup(tmp_path / "backup.gz")

    assert counts["accounts.User"] == 1
    assert "accounts.Session" not in counts
