"""`llmadmin rotate-encryption-key`: move every stored API key to the first key of LLMADMIN_ENCRYPTION_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from llmadmin.accounts.actors import command_actor
from llmadmin.audit.services import note_now
from llmadmin.vault.models import ApiKey
from llmadmin.vault.reencryption import Inventory, reencrypt, take_inventory


class Command(BaseCommand):
    help = (
        "Re-encrypt stored API keys with the first key of LLMADMIN_ENCRYPTION_KEY. Put the new key first and keep the old one "
        "after a comma, restart, run this, then remove the old one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            inventory = take_inventory()
            self.stdout.write(
                f"{inventory.on_old} API keys would be re-encrypted, {inventory.on_current} are on the current key."
            )
        else:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("Re-encrypting API keys", total=ApiKey.objects.count())
                inventory = reencrypt(on_progress=lambda _inventory: progress.advance(task))
            note_now(command_actor(), "rotate", "encryption key", "API keys", after={"moved": inventory.moved})
            self.stdout.write(
                f"{inventory.moved} API keys re-encrypted, {inventory.on_current} were on the current key."
            )
        self._report_unreadable(inventory)

    def _report_unreadable(self, inventory: Inventory) -> None:
        """Exit status 1 when some row can't be read, so that nobody throws the old key away."""
        if not inventory.unreadable:
            return
        for key in inventory.unreadable:
            self.stderr.write(
                f"  unreadable: {key.provider.slug}/{key.label} (encrypted with key {key.encryption_key_id})"
            )
        raise CommandError(
            f"{len(inventory.unreadable)} API keys can't be read and were left as they are. Append the key that they were "
            "encrypted with to LLMADMIN_ENCRYPTION_KEY and run this again, or enter those API keys again."
        )
