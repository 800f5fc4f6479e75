"""`llmadmin export [FILE]`: the configuration as a file that `apply` reads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.catalog.fields import invalid
from llmadmin.config.exporting import export_with_secrets, export_yaml
from llmadmin.config.management.base import ConfigCommand, add_passphrase_argument, passphrase_of
from providers.sources import parse_yaml


class Command(ConfigCommand):
    help = (
        "Write the configuration as YAML, to standard output or a file. API keys are named in it; their text is left out, or, "
        "with --with-secrets, sealed by a passphrase."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to write; - is standard output")
        parser.add_argument(
            "--with-secrets", action="store_true", help="with the API keys in it, sealed by a passphrase; audited"
        )
        add_passphrase_argument(parser)

    def run(self, **options: Any) -> int:
        text = self._sealed(options) if options["with_secrets"] else export_yaml()
        if options["as_json"]:
            text = json.dumps(parse_yaml(text), indent=2, ensure_ascii=False)
        text = text.rstrip("\n")
        if options["file"] == "-":
            self.stdout.write(text)
            return 0
        try:
            _write(Path(options["file"]), f"{text}\n", is_secret=options["with_secrets"])
        except OSError as problem:
            raise invalid({"FILE": f"{options['file']} can't be written: {problem.strerror}."}) from problem
        self.stderr.write(f"Wrote {options['file']}.")
        return 0

    def _sealed(self, options: dict[str, Any]) -> str:
        passphrase = passphrase_of(options, asks=True)
        text, notes = export_with_secrets(passphrase, by=command_actor())
        self.warn(notes)
        return text


def _write(path: Path, text: str, *, is_secret: bool) -> None:
    """A file with keys in it, sealed as they are, is its owner's alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if is_secret else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if is_secret:
            os.fchmod(file.fileno(), 0o600)
        file.write(text)
