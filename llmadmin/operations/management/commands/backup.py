"""`llmadmin backup`: every row into one file, while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from llmadmin.accounts.actors import command_actor
from llmadmin.audit.services import note_now
from llmadmin.operations.archive import write_backup


class Command(BaseCommand):
    help = "Write a backup of the whole database. The encryption key is not in it: keep that one apart."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="Where to write it (default: backups/ in the data folder).")

    def handle(self, *, file: str | None, **options: Any) -> None:
        path = (
            Path(file) if file else settings.DATA_DIR / "backups" / f"llmadmin-{timezone.now():%Y%m%d-%H%M%S}.jsonl.gz"
        )
        if path.exists():
            raise CommandError(f"{path} is there already. Name another file.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            counts = write_backup(path)
        except OSError as problem:
            raise CommandError(f"Can't write {path}: {problem.strerror}.") from problem
        note_now(command_actor(), "backup", "database", path.name, after={"rows": sum(counts.values())})
        self.stdout.write(str(path))
        self.stderr.write(
            f"{sum(counts.values()):,} rows, {path.stat().st_size:,} bytes. The encryption key is not in this file. Without it the "
            f"API keys can't be read: keep LLMADMIN_ENCRYPTION_KEY, or {settings.DATA_DIR / 'encryption.key'}, in another place."
        )
