"""Invitations: a link that makes one account, once, until it expires. The link is nowhere kept; only its hash is."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from llmadmin.accounts.models import Invitation, Role, User
from llmadmin.accounts.people import check_may_grant, checked_role, is_as_powerful_as
from llmadmin.accounts.permissions import PEOPLE_MANAGE, guard
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import current_actor, note, note_now
from llmadmin.core import request_id
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError, StaleError
from llmadmin.core.redaction import hide

LIFETIME = dt.timedelta(days=7)
_GONE = "This invitation was used, withdrawn, or has expired. Ask whoever invited you for a new one."


def invite(email: str, role: str) -> tuple[Invitation, str]:
    """Invite someone and return the token of the link. An older invitation of the same address is void from now on.

    Inside `config.change`. Raises InvalidError, ForbiddenError, ConflictError when they have an account.
    """
    email = checked_email(email)
    role = checked_role(role)
    check_may_grant(role)
    if User.objects.filter(email__iexact=email).exists():
        raise ConflictError(f"{email} has an account already.", fields={"email": "Has an account already."})
    token = _fresh_token()
    invitation, _ = Invitation.objects.update_or_create(
        email=email,
        defaults={
            "role": role,
            "token_hash": _hash_of(token),
            "invited_by_id": current_actor().person_id,
            "expires_at": timezone.now() + LIFETIME,
        },
    )
    note("invite", "person", email, after={"role": role, "expires_at": invitation.expires_at})
    return invitation, token


def renew(invitation: Invitation) -> tuple[Invitation, str]:
    """A new link for the same invitation, when the old one was lost or has expired."""
    current = _locked(invitation)
    return invite(current.email, current.role)


def withdraw(invitation: Invitation) -> None:
    """The link opens nothing any more."""
    current = _locked(invitation)
    email = current.email
    current.delete()
    note("withdraw", "person", email)


def find_invitation(token: str) -> Invitation:
    """The open invitation behind a link. Raises MissingError, in words for whoever followed it."""
    invitation = Invitation.objects.filter(token_hash=_hash_of(token.strip())).first()
    if invitation is None or invitation.is_expired:
        raise MissingError(_GONE)
    return invitation


def accept(token: str, *, password: str, name: str = "", ip_address: str | None = None) -> User:
    """Make the account that the invitation promises. Raises MissingError, InvalidError for an unfit password.

    Two at once make one account: the second finds the invitation gone.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(token_hash=_hash_of(token.strip())).first()
        if invitation is None or invitation.is_expired:
            raise MissingError(_GONE)
        _check_password(password, User(email=invitation.email, name=name))
        return _made_account(invitation, password=password, name=name, ip_address=ip_address, how="by invitation")


def accept_vouched(email: str, *, name: str = "", ip_address: str | None = None) -> User | None:
    """The account of an open invitation of `email`, whose owner the identity provider vouches for; None without one."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(email=email.lower()).first()
        if invitation is None or invitation.is_expired:
            return None
        how = "by invitation, through single sign-on"
        return _made_account(invitation, password=None, name=name, ip_address=ip_address, how=how)


def checked_email(email: str) -> str:
    """In lower case, as accounts have it. Raises InvalidError."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidError.of(email="Enter an e-mail address, such as ada@example.com.") from None
    return email


def _made_account(invitation: Invitation, *, password: str | None, name: str, ip_address: str | None, how: str) -> User:
    if User.objects.filter(email__iexact=invitation.email).exists():
        raise MissingError(_GONE)
    is_owner = invitation.role == Role.OWNER
    person = User.objects.create_user(
        invitation.email,
        password,
        name=name.strip()[:120],
        role=invitation.role,
        is_superuser=is_owner,
        is_staff=is_owner,
    )
    invitation.delete()
    guest = Actor(
        kind="person",
        label=person.email,
        person_id=person.pk,
        role=person.role,
        ip_address=ip_address,
        request_id=request_id.current(),
        source="ui",
    )
    note_now(guest, "create", "person", person.email, after={"email": person.email, "role": person.role}, why=how)
    return person


def _locked(invitation: Invitation) -> Invitation:
    guard(PEOPLE_MANAGE)
    current = Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
    if current is None:
        raise StaleError(f"The invitation of {invitation.email} was used or withdrawn meanwhile.")
    if not is_as_powerful_as(current.role):
        raise ForbiddenError(f"{current.email} is invited as an owner. Only an owner can do this.")
    return current


def _check_password(password: str, person: User) -> None:
    try:
        validate_password(password, person)
    except ValidationError as problem:
        raise InvalidError.of(password=" ".join(problem.messages)) from None


def _fresh_token() -> str:
    token = secrets.token_urlsafe(24)
    hide(token)
    return token


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
