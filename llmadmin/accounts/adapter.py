"""What allauth asks us about accounts: nobody signs up, which ways are open, when to confirm, and who was locked out."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url

from llmadmin.accounts import step_up
from llmadmin.accounts.actors import actor_of_person, ip_of
from llmadmin.accounts.models import User
from llmadmin.accounts.sign_in_rules import may_use_password
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id

LOCKED_OUT_S = 300


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth passes it
        return False

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Turn away who is switched off, and passwords and passkeys where single sign-on is the only way."""
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        is_vouched_for = "sociallogin" in (kwargs.get("signal_kwargs") or {})
        if response or is_vouched_for or may_use_password(user):
            return response
        note_now(
            actor_of_person(user, request=request), "sign-in", "person", user.email, was_refused=True,
            why="single sign-on is the only way",
        )  # fmt: skip
        return render(request, "account/sso_only.html", status=403)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:  # noqa: ARG002 - allauth passes them
        """One rule for allauth's own pages and for our step-up: a sign-in counts, for as long as it is fresh."""
        return not step_up.is_fresh(self.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """allauth's, in our words; who has neither password nor second factor goes to the provider again."""
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use a code",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        found = [one | {"description": words[one["id"]]} for one in super().get_reauthentication_methods(user)]
        if found or not user.is_authenticated:
            return found
        return [{"id": "sso", "description": "Sign in again", "url": resolve_url("confirm_by_sso")}]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many tries, with one audit entry for each lock-out."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._note_lock_out(request, str(credentials.get("email", "")))
            raise

    def _note_lock_out(self, request: HttpRequest, email: str) -> None:
        label = email.lower()[:254] if "@" in email else "someone"
        if cache.add(f"accounts:locked-out:{label}:{ip_of(request)}", 1, LOCKED_OUT_S):
            visitor = Actor(
                kind="person", label=label, ip_address=ip_of(request), request_id=request_id.current(), source="ui"
            )
            note_now(visitor, "lock-out", "person", label, was_refused=True, why="too many wrong passwords")
