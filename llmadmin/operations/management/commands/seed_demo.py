"""`llmadmin seed-demo`: fill an empty installation with simulated providers and a month of usage."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmadmin.core.errors import ConflictError
from llmadmin.operations.demo import fill
from llmadmin.operations.schema import bring_up_to_date


class Command(BaseCommand):
    help = "Fill an empty installation with simulated providers, aliases, services and a month of usage."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--serve", action="store_true", help="Start the server afterwards.")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--calls-a-day", type=int, default=600)

    def handle(self, *, serve: bool, host: str, port: int, days: int, calls_a_day: int, **options: Any) -> None:
        if not settings.SIMULATOR_ENABLED:
            raise CommandError(
                "The simulated provider is off here. Set LLMADMIN_SIMULATOR=1; it is meant for demos and tests."
            )
        bring_up_to_date()
        self.stderr.write(f"Making {days} days of usage …")
        try:
            access = fill(
                simulator_url=f"http://{host}:{port}/simulated/v1",
                password=secrets.token_urlsafe(9),
                days=days,
                calls_a_day=calls_a_day,
            )
        except ConflictError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"\n  Demo: nothing in it is real, every answer is simulated.\n\n  E-mail     {access.email}\n  Password   {access.password}\n"
            f"  Service key {access.service_key}\n"
        )
        if serve:
            call_command("serve", host=host, port=port)
