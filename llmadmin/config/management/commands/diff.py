"""`llmadmin diff FILE`: what `apply FILE` would change. Exit code 0: nothing, 1: something, 2: it can't be said."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.config.importing import apply_document
from llmadmin.config.management.base import ConfigCommand, add_passphrase_argument, in_words, passphrase_of, read_file


class Command(ConfigCommand):
    help = "Say what `apply FILE` would change. Exits with 0 when nothing, 1 when something, 2 when it failed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="the YAML, JSON or .env file; - reads standard input")
        add_passphrase_argument(parser)

    def run(self, **options: Any) -> int:
        result = apply_document(
            read_file(options["file"], passphrase=passphrase_of(options)), by=command_actor(source="file"), dry_run=True
        )
        self.warn(result.warnings)
        text = in_words(result.changes) if result.changed else "No difference."
        self.say(result.to_json(), text, as_json=options["as_json"])
        return 1 if result.changed else 0
