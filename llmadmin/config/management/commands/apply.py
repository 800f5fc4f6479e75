"""`llmadmin apply FILE [--dry-run]`: configuration as code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.config.importing import ApplyResult, apply_document
from llmadmin.config.management.base import ConfigCommand, add_passphrase_argument, in_words, passphrase_of, read_file


class Command(ConfigCommand):
    help = (
        "Make the configuration what a file says, in one version or not at all. It may be llm_config.yaml, a .env, or LiteLLM's "
        "config.yaml; ${NAME} and os.environ/NAME read the environment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="the YAML, JSON or .env file; - reads standard input")
        add_passphrase_argument(parser)
        parser.add_argument(
            "--once", action="store_true", help="import it once: what it brings is people's, and nothing is removed"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")
        parser.add_argument("--why", default="", help="the reason, kept with the version")

    def run(self, **options: Any) -> int:
        result = apply_document(
            read_file(options["file"], passphrase=passphrase_of(options)),
            by=command_actor(source="file"),
            why=options["why"],
            dry_run=options["dry_run"],
            owns=not options["once"],
        )
        self.warn(result.warnings)
        self.say(result.to_json(), _text(result, is_rehearsal=options["dry_run"]), as_json=options["as_json"])
        return 0


def _text(result: ApplyResult, *, is_rehearsal: bool) -> str:
    if not result.changed:
        return f"Nothing to change: version {result.version} says the same."
    count = f"{len(result.changes)} {'change' if len(result.changes) == 1 else 'changes'}"
    head = f"Would make {count}; nothing is written." if is_rehearsal else f"Version {result.version}: {count}."
    return f"{head}\n{in_words(result.changes)}"
