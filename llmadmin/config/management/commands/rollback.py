"""`llmadmin rollback N`: the configuration as it was at version N, as a new version."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.config.management.base import ConfigCommand, in_words
from llmadmin.config.rollback import rollback_to


class Command(ConfigCommand):
    help = "Restore the configuration of an earlier version. Deleted API keys do not come back."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", metavar="N", type=int, help="the version to go back to")
        parser.add_argument("--why", default="", help="the reason, kept with the version")

    def run(self, **options: Any) -> int:
        made = rollback_to(options["number"], by=command_actor(), why=options["why"])
        answer = {
            "version": made.version,
            "changed": made.did_publish,
            "changes": made.changes,
            "warnings": made.warnings,
        }
        self.warn(made.warnings)
        head = f"Version {made.version} restores version {options['number']}."
        text = (
            f"{head}\n{in_words(made.changes)}"
            if made.did_publish
            else f"Nothing to change: version {made.version} says the same."
        )
        self.say(answer, text, as_json=options["as_json"])
        return 0
