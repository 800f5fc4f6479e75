"""Reading teams, services and their keys."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from llmadmin.accounts.models import Invitation, Service, ServiceKey, Session, Team, User
from llmadmin.accounts.permissions import OWN_KEYS, roles_with
from llmadmin.accounts.sign_in_rules import with_second_factor
from llmadmin.core.errors import MissingError


@dataclass(frozen=True, slots=True)
class AdmissionRow:
    """One live key as the gateway and the REST API admit it. `hash` is the SHA-256 of the key in hex."""

    hash: str
    key_id: uuid.UUID
    service_name: str
    team: str
    """The team's slug, or ""."""
    scopes: frozenset[str]
    aliases: frozenset[str]
    """Empty: every alias."""
    expires_at: dt.datetime | None


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("slug")


def get_team(slug: str) -> Team:
    """Raises MissingError."""
    team = teams().filter(slug=slug).first()
    if team is None:
        raise MissingError(f"There is no team {slug!r}.")
    return team


def people() -> QuerySet[User]:
    """Everyone with an account, each with `has_second_factor` and the number of `live_sessions`."""
    live = Count("sessions", filter=Q(sessions__expire_date__gt=timezone.now()))
    return with_second_factor(User.objects.order_by("email")).annotate(live_sessions=live)


def get_person(person_id: int) -> User:
    """Raises MissingError."""
    person = people().filter(pk=person_id).first()
    if person is None:
        raise MissingError("There is no such person.")
    return person


def invitations() -> QuerySet[Invitation]:
    """Those that nobody has used yet, also where they have expired."""
    return Invitation.objects.select_related("invited_by").order_by("email")


def get_invitation(invitation_id: int) -> Invitation:
    """Raises MissingError."""
    invitation = invitations().filter(pk=invitation_id).first()
    if invitation is None:
        raise MissingError("This invitation was used or withdrawn.")
    return invitation


def sessions_of(person: User) -> QuerySet[Session]:
    """Browsers where they are signed in, the one seen last first."""
    return Session.objects.filter(person=person, expire_date__gt=timezone.now()).order_by("-last_seen_at")


def services() -> QuerySet[Service]:
    """Services of ours that people made, with their teams and keys; the playground's own is left out."""
    return (
        Service.objects.filter(is_internal=False)
        .select_related("team", "person")
        .prefetch_related("keys")
        .order_by("name")
    )


def get_service(name: str) -> Service:
    """Raises MissingError."""
    try:
        return services().get(name=name)
    except Service.DoesNotExist:
        raise MissingError(f"There is no service named {name!r}.") from None


def get_service_key(key_id: uuid.UUID | str) -> ServiceKey:
    """Raises MissingError."""
    try:
        return ServiceKey.objects.select_related("service__team").get(
            pk=uuid.UUID(str(key_id)), service__is_internal=False
        )
    except (ServiceKey.DoesNotExist, ValueError):
        raise MissingError("There is no such service key.") from None


def admission_rows() -> list[AdmissionRow]:
    """All keys that open our door now: not revoked, not expired, of enabled services. One query."""
    return [_admission(key) for key in _live_keys()]


def admission_of(key_hash: str) -> AdmissionRow | None:
    """The live key with this hash, or None. One query; the live path looks it up in memory instead."""
    key = _live_keys().filter(hash=key_hash).first()
    return _admission(key) if key else None


def _live_keys() -> QuerySet[ServiceKey]:
    live = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))
    entitled = Q(service__person__isnull=True) | Q(
        service__person__is_active=True, service__person__role__in=roles_with(OWN_KEYS)
    )
    return (
        ServiceKey.objects.filter(live, entitled, service__enabled=True).select_related("service__team").order_by("pk")
    )


def _admission(key: ServiceKey) -> AdmissionRow:
    return AdmissionRow(
        hash=key.hash,
        key_id=key.pk,
        service_name=key.service.name,
        team=key.service.team.slug if key.service.team else "",
        scopes=frozenset(key.service.scopes),
        aliases=frozenset(key.service.aliases),
        expires_at=key.expires_at,
    )
