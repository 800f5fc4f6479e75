"""Sign-ins, sign-outs, failed sign-ins and changes of how someone signs in leave audit entries; sessions learn what was proved."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import authentication_step_completed, password_changed, password_reset, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from llmadmin.accounts import step_up
from llmadmin.accounts.actors import actor_of_person, ip_of
from llmadmin.accounts.models import User
from llmadmin.accounts.sessions import end_sessions, note_origin
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id


@receiver(user_logged_in, dispatch_uid="accounts.note_sign_in")
def note_sign_in(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        ways = {record.get("method") for record in get_authentication_records(request, user)}
        step_up.note_confirmed(request, by_sso="socialaccount" in ways)
        note_origin(request)
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


@receiver(authentication_step_completed, dispatch_uid="accounts.note_confirmation")
def note_confirmation(*, request: HttpRequest, reauthenticated: bool = False, **_: Any) -> None:
    """Someone who is signed in has proved once more that it is them."""
    if reauthenticated:
        step_up.note_confirmed(request)


@receiver(authentication_failed, dispatch_uid="accounts.note_wrong_code")
def note_wrong_code(*, request: HttpRequest, user: User, **_: Any) -> None:
    """The password was right, the second factor was not: worth more attention than a wrong password."""
    note_now(actor_of_person(user, request=request), "sign-in", "second factor", user.email, was_refused=True)


@receiver(authenticator_added, dispatch_uid="accounts.note_factor_added")
def note_factor_added(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note_factor("create", request, user, authenticator)


@receiver(authenticator_removed, dispatch_uid="accounts.note_factor_removed")
def note_factor_removed(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note_factor("delete", request, user, authenticator)


@receiver(authenticator_reset, dispatch_uid="accounts.note_codes_renewed")
def note_codes_renewed(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note_factor("rotate", request, user, authenticator)


@receiver((password_changed, password_reset, password_set), dispatch_uid="accounts.note_password")
def note_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Every other browser is signed out: whoever changes a password may do so because somebody else knew it."""
    end_sessions(user, but=request.session.session_key)
    note_now(actor_of_person(user, request=request), "update", "person", user.email, after={"password": "changed"})


def _note_factor(act: str, request: HttpRequest, user: User, authenticator: Authenticator) -> None:
    kinds = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}
    kind = kinds.get(authenticator.type, authenticator.type)
    note_now(actor_of_person(user, request=request), act, "second factor", user.email, after={"kind": kind})
