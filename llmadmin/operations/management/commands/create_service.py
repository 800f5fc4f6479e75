"""`llmadmin create-service`: a service and its key, printed once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.accounts.services import SCOPES, create_service, issue_key
from llmadmin.config.services import change
from llmadmin.core.errors import DomainError
from llmadmin.operations.schema import UnknownSchemaError, bring_up_to_date


class Command(BaseCommand):
    help = "Make a service and print its key, which can't be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Lower-case letters, digits, - and _.")
        parser.add_argument(
            "--scope", action="append", required=True, metavar="SCOPE", help=f"One of {', '.join(SCOPES)}; repeatable."
        )
        parser.add_argument(
            "--alias", action="append", default=[], help="An alias that it may use; repeatable. Without: all."
        )
        parser.add_argument("--team", default=None)
        parser.add_argument("--description", default="")
        parser.add_argument("--json", action="store_true", help='Print {"service": …, "key": …} alone.')

    def handle(
        self,
        *,
        name: str,
        scope: list[str],
        alias: list[str],
        team: str | None,
        description: str,
        json: bool,
        **options: Any,
    ) -> None:
        try:
            bring_up_to_date()
            with change(by=command_actor(), why="Made on the command line"):
                service = create_service(name=name, scopes=scope, aliases=alias, team=team, description=description)
                _, plaintext = issue_key(service, label="command line")
        except (DomainError, UnknownSchemaError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self._print(service.name, plaintext, as_json=json)

    def _print(self, name: str, plaintext: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"service": name, "key": plaintext}))
            return
        self.stdout.write(plaintext)
        self.stderr.write(f"This is the key of {name}. It can't be shown again.")
