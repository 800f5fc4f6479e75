"""Sign-ins, sign-outs and failed sign-ins leave audit entries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from llmadmin.accounts.actors import actor_of_person, ip_of
from llmadmin.accounts.models import User
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id


@receiver(user_logged_in, dispatch_uid="accounts.note_sign_in")
def note_sign_in(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    note_now(actor_of_person(user, request=request), "sign-in", "person", user.email)


@receiver(user_logged_out, dispatch_uid="accounts.note_sign_out")
def note_sign_out(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        note_now(actor_of_person(user, request=request), "sign-out", "person", user.email)


@receiver(user_login_failed, dispatch_uid="accounts.note_failed_sign_in")
def note_failed_sign_in(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Only the address is kept: people type passwords into the wrong field, so a text that is no address is not."""
    named = str(credentials.get("email") or credentials.get("username") or "")
    label = named.lower()[:254] if "@" in named else "someone"
    visitor = Actor(kind="person", label=label, ip_address=ip_of(request), request_id=request_id.current(), source="ui")
    note_now(visitor, "sign-in", "person", label, was_refused=True)
