"""`llmadmin export [FILE]`: the configuration as a file that `apply` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from llmadmin.catalog.fields import invalid
from llmadmin.config.exporting import export_document, export_yaml
from llmadmin.config.management.base import ConfigCommand


class Command(ConfigCommand):
    help = (
        "Write the configuration as YAML, to standard output or a file. API keys are named in it, their text never is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to write; - is standard output")

    def run(self, **options: Any) -> int:
        as_json = options["as_json"]
        text = json.dumps(export_document(), indent=2, ensure_ascii=False) if as_json else export_yaml().rstrip("\n")
        if options["file"] == "-":
            self.stdout.write(text)
            return 0
        try:
            Path(options["file"]).write_text(f"{text}\n", encoding="utf-8")
        except OSError as problem:
            raise invalid({"FILE": f"{options['file']} can't be written: {problem.strerror}."}) from problem
        self.stderr.write(f"Wrote {options['file']}.")
        return 0
