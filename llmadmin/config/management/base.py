"""What the commands on configuration share: files in, the answer alone on standard output, sentences for what went wrong."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from llmadmin.catalog.fields import invalid
from llmadmin.config.reading.documents import Reading, read_text
from llmadmin.core.errors import DomainError

FAILED = 2
_SIGNS = {"create": "+", "update": "~", "delete": "-"}


class ConfigCommand(BaseCommand):
    """Runs `run`; a refusal goes to standard error in words and ends with exit code 2, with nothing written."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")

    def handle(self, **options: Any) -> None:
        try:
            code = self.run(**options)
        except DomainError as refused:
            self._fail(refused.message if len(refused.fields) < 2 else "", refused.fields)
        except DatabaseError as problem:
            self._fail(f"The database can't be used: {problem}. `llmadmin doctor` says more.", {})
        else:
            if code:
                raise SystemExit(code)

    def run(self, **options: Any) -> int:
        """Do the work and return the exit code."""
        raise NotImplementedError

    def _fail(self, message: str, fields: dict[str, str]) -> None:
        lines = [message] if message else [f"{path}: {sentence}" for path, sentence in fields.items()]
        self.stderr.write("\n".join(lines))
        raise SystemExit(FAILED)

    def warn(self, sentences: list[str]) -> None:
        """What is worth knowing goes to standard error, since standard output carries the answer alone."""
        for sentence in sentences:
            self.stderr.write(self.style.WARNING(f"! {sentence}"))

    def say(self, answer: object, text: str, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else text)


def add_passphrase_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="PATH",
        help="a file whose first line is the passphrase of the API keys; without it LLMADMIN_PASSPHRASE, else you are asked",
    )


def passphrase_of(options: dict[str, Any], *, asks: bool = False) -> str:
    """The passphrase from its file, the environment, or whoever sits there. Never an argument: those show in process lists."""
    if options["passphrase_file"]:
        lines = _text_of(options["passphrase_file"]).splitlines()
        return lines[0] if lines else ""
    given = os.environ.get("LLMADMIN_PASSPHRASE", "")
    return getpass.getpass("Passphrase: ") if asks and not given and sys.stdin.isatty() else given


def read_file(name: str, *, passphrase: str = "") -> Reading:
    """A file (llm_config.yaml, .env, LiteLLM's config.yaml), `-` for standard input, its references read from the environment.

    Raises InvalidError.
    """
    text = sys.stdin.read() if name == "-" else _text_of(name)
    own_name = "" if name == "-" else Path(name).name
    return read_text(text, name=own_name, environ=os.environ, passphrase=passphrase)


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise invalid({name: "Is not text in UTF-8. Save it as UTF-8."}) from None
    except OSError as problem:
        raise invalid({name: f"Can't be read ({problem.strerror}). Check the path."}) from None


def in_words(changes: list[dict[str, Any]]) -> str:
    """One line for each change: `~ alias fast: strategy, targets`."""
    return "\n".join(_line(one) for one in changes)


def _line(one: dict[str, Any]) -> str:
    fields = f": {', '.join(one['after'])}" if one["op"] == "update" else ""
    return f"{_SIGNS[one['op']]} {one['object']} {one['name']}{fields}"
