"""`llmadmin restore`: a backup into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.audit.services import note_now
from llmadmin.core.errors import DomainError
from llmadmin.operations.archive import read_backup
from llmadmin.operations.schema import UnknownSchemaError, bring_up_to_date
from llmadmin.vault.services import unreadable_keys


class Command(BaseCommand):
    help = "Restore a backup into an empty database (made first, if it is not there)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *, file: str, **options: Any) -> None:
        try:
            bring_up_to_date()
            counts = read_backup(Path(file))
        except (DomainError, UnknownSchemaError) as refusal:
            raise CommandError(str(refusal)) from refusal
        note_now(command_actor(), "restore", "database", Path(file).name, after={"rows": sum(counts.values())})
        self.stdout.write(f"Restored {sum(counts.values()):,} rows.")
        unreadable = unreadable_keys()
        if unreadable:
            self.stderr.write(
                f"{len(unreadable)} API keys can't be read with this encryption key. Set LLMADMIN_ENCRYPTION_KEY to the one that "
                "the backup was made under, or enter those keys again."
            )
