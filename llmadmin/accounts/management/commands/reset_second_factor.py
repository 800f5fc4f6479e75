"""`llmadmin reset-second-factor EMAIL`: the way back in for an owner who lost the second factor and has nobody to ask."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmadmin.accounts.actors import command_actor
from llmadmin.accounts.models import User
from llmadmin.accounts.second_factors import remove_second_factors
from llmadmin.accounts.sessions import end_sessions
from llmadmin.audit.services import note_now


class Command(BaseCommand):
    help = (
        "Remove someone's authenticator app, passkeys and recovery codes, and end their sessions. They sign in with the "
        "password alone and set up new ones. Whoever may run this on the machine may do so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that they sign in with")

    def handle(self, *, email: str, **options: Any) -> None:
        person = User.objects.filter(email__iexact=email).first()
        if person is None:
            raise CommandError(f"Nobody has the address {email}.")
        if not remove_second_factors(person):
            self.stdout.write(f"{person.email} has no second factor.")
            return
        ended = end_sessions(person)
        note_now(command_actor(), "delete", "second factor", person.email, after={"kind": "all of them"})
        self.stdout.write(f"{person.email} signs in with the password alone now; {ended} sessions ended.")
