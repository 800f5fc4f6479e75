"""`llmadmin rotate-encryption-key`: move every stored API key to the first key of LLMADMIN_ENCRYPTION_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from llmadmin.accounts.actors import command_actor
from llmadmin.vault.models import Reencryption
from llmadmin.vault.reencryption import begin, take_inventory, walk
from llmadmin.vault.tasks import note_finished


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
            names = [f"{key.provider.slug}/{key.label} (key {key.encryption_key_id})" for key in inventory.unreadable]
            self._report_unreadable(names, count=len(names))
            return
        run = self._walk()
        self.stdout.write(f"{run.moved} API keys re-encrypted, {run.on_current} were on the current key.")
        self._report_unreadable(
            [f"{one['name']}: {one['reason']}" for one in run.unreadable], count=run.unreadable_count
        )

    def _walk(self) -> Reencryption:
        """Go on where the last run was killed, or begin."""
        actor = command_actor()
        run = begin(by=actor.label)
        if run.seen:
            self.stderr.write(f"Going on after {run.seen} of {run.total} keys.")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Re-encrypting API keys", total=run.total, completed=run.seen)
            walk(run, on_progress=lambda so_far: progress.update(task, completed=so_far.seen))
        note_finished(run, by=actor)
        return run

    def _report_unreadable(self, names: list[str], *, count: int) -> None:
        """Exit status 1 when some row can't be read, so that nobody throws the old key away."""
        if not count:
            return
        for name in names:
            self.stderr.write(f"  unreadable: {name}")
        raise CommandError(
            f"{count} API keys can't be read and were left as they are. Append the key that they were encrypted with to "
            "LLMADMIN_ENCRYPTION_KEY and run this again, or enter those API keys again."
        )
