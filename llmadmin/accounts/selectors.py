"""Reading teams, services and their keys."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from llmadmin.accounts.models import Service, ServiceKey, Team
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


def services() -> QuerySet[Service]:
    """Services of ours that people made, with their teams and keys; the playground's own is left out."""
    return Service.objects.filter(is_internal=False).select_related("team").prefetch_related("keys").order_by("name")


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
    return ServiceKey.objects.filter(live, service__enabled=True).select_related("service__team").order_by("pk")


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
