"""Whom the identity provider sends: which account is theirs, with which role, and who stays outside.

The provider's word counts for an address only where it says that it verified it. An account is found by the provider's own
id of the person first, so that a changed address changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests
import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.app_settings import REQUESTS_TIMEOUT
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render

from llmadmin.accounts.actors import actor_of_person, ip_of
from llmadmin.accounts.invitations import accept_vouched
from llmadmin.accounts.models import Role, User
from llmadmin.accounts.oidc import OIDC
from llmadmin.accounts.sessions import end_sessions
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id
from llmadmin.core.errors import ForbiddenError

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialApp, SocialLogin

log = structlog.get_logger(__name__)


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or make the account before allauth looks further; a refusal ends in a page that says why."""
        claims = claims_of(sociallogin.account.extra_data)
        known = sociallogin.user if sociallogin.is_existing else None
        try:
            if sociallogin.state.get("process") == "connect":
                raise ForbiddenError("Accounts are linked by their e-mail address, at the first sign-in.")
            if settings.OIDC is None:
                raise ForbiddenError("No single sign-on is set up here.")
            person = admitted(settings.OIDC, claims, known=known, ip_address=ip_of(request))
        except ForbiddenError as problem:
            page = render(request, "socialaccount/refused.html", {"sentence": problem.message}, status=403)
            raise ImmediateHttpResponse(page) from problem
        if known is None:
            sociallogin.connect(request, person)
        else:
            sociallogin.user = person

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002 - allauth's
        return False

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:  # noqa: ARG002 - allauth's
        """The one of the settings; none is ever read from a table."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        apps = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for listed in apps.values() for app in listed]

    def on_authentication_error(self, *_: Any, error: Any = None, exception: Any = None, **__: Any) -> None:
        """The page tells the person to try again; what went wrong is for whoever runs this."""
        log.warning("single sign-on failed", error=str(error or ""), problem=str(exception or "")[:500])

    def get_requests_session(self) -> requests.Session:
        return _ProviderSession()


class _ProviderSession(requests.Session):
    """Talks to the provider; when it is away the visitor is told, instead of a page that broke."""

    def request(self, method: str, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", REQUESTS_TIMEOUT)
        try:
            answer = super().request(method, url, *args, **kwargs)
            if method == "GET":
                answer.raise_for_status()
        except requests.RequestException as problem:
            log.warning("the identity provider can't be reached", problem=str(problem)[:500])
            raise ImmediateHttpResponse(render(None, "socialaccount/away.html", status=503)) from problem
        return answer


def admitted(rules: OIDC, claims: Mapping[str, Any], *, known: User | None, ip_address: str | None = None) -> User:
    """The account of whom the provider vouches for, made where the rules say so, its role brought up to date.

    Raises ForbiddenError, with an audit entry, for whoever has no business here.
    """
    email = str(claims.get("email") or "").strip().lower()
    try:
        role = role_from(rules, claims)
        person = known or _by_address(rules, claims, email, role, ip_address)
    except ForbiddenError as problem:
        visitor = Actor(
            kind="person", label=email or "someone", ip_address=ip_address, request_id=request_id.current(), source="ui"
        )
        note_now(visitor, "sign-in", "person", email or "someone", was_refused=True, why=problem.message)
        raise
    if rules.roles and role and role != person.role:
        _follow_role(person, role)
    return person


def claims_of(extra_data: Mapping[str, Any]) -> dict[str, Any]:
    """The id token's claims, with those of the userinfo endpoint over them."""
    return {**(extra_data.get("id_token") or {}), **(extra_data.get("userinfo") or {})}


def role_from(rules: OIDC, claims: Mapping[str, Any]) -> str:
    """The role that the provider gives, or the default one. Raises ForbiddenError where nothing gives any."""
    held = claims.get(rules.role_claim) if rules.role_claim else None
    values = {str(one) for one in held} if isinstance(held, list | tuple) else {str(held)} if held else set()
    role = next((role for role, value in rules.roles if value in values), rules.default_role)
    if not role:
        raise ForbiddenError(f"None of your groups at {rules.name} opens llmadmin. Ask whoever manages them.")
    return role


def _by_address(rules: OIDC, claims: Mapping[str, Any], email: str, role: str, ip_address: str | None) -> User:
    if "@" not in email:
        raise ForbiddenError(f"{rules.name} sent no e-mail address. Ask whoever manages it to release the claim email.")
    if not (claims.get("email_verified") in (True, "true") or rules.trusts_addresses):
        raise ForbiddenError(f"{rules.name} has not verified {email}. Verify it there, then sign in again.")
    name = str(claims.get("name") or "")[:120]
    person = User.objects.filter(email__iexact=email).first() or accept_vouched(email, name=name, ip_address=ip_address)
    if person:
        return person
    if email.partition("@")[2] not in rules.domains:
        raise ForbiddenError(f"{email} has no account here. Ask an owner or admin to invite you.")
    with transaction.atomic():
        is_owner = role == Role.OWNER
        person = User.objects.create_user(email, None, name=name, role=role, is_superuser=is_owner, is_staff=is_owner)
        note_now(
            actor_of_person(person), "create", "person", email,
            after={"email": email, "role": role}, why="first sign-in through single sign-on",
        )  # fmt: skip
    return person


def _follow_role(person: User, role: str) -> None:
    """The provider's groups are the source of roles, so a change there holds here; the last owner alone stays one."""
    others = User.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=person.pk)
    if person.role == Role.OWNER and not others.exists():
        log.warning("the last owner keeps the role, whatever the provider says", person=person.email)
        return
    before, person.role = person.role, role
    person.is_superuser = person.is_staff = role == Role.OWNER
    person.save(update_fields=["role", "is_superuser", "is_staff"])
    end_sessions(person)
    note_now(
        actor_of_person(person), "update", "person", person.email,
        after={"role": role, "role_before": before}, why="the provider's groups",
    )  # fmt: skip
