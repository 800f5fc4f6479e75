"""Keys of a developer's own: a service that belongs to one person, made with their first key and gone with the person.

Its calls, costs and limits are kept like any service's, under its name. It never carries `admin` or `secrets:read`.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid

from django.db.models import QuerySet
from django.utils import timezone

from llmadmin.accounts.models import Service, ServiceKey, User
from llmadmin.accounts.permissions import OWN_KEYS, guard
from llmadmin.accounts.services import make_key
from llmadmin.audit.services import current_actor, note
from llmadmin.audit.state import state_of
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError

SCOPES = ["config:read", "usage:write", "gateway:call"]
LIFETIMES_DAYS = (7, 30, 90, 365)
MOST_KEYS = 10
"""How many live keys one person may hold."""


def keys_of(person: User) -> QuerySet[ServiceKey]:
    return ServiceKey.objects.filter(service__person=person).select_related("service").order_by("-created_at")


def issue_own_key(person: User, *, label: str, days: int) -> tuple[ServiceKey, str]:
    """A new key of the person who is acting, and its plaintext, which is nowhere kept. Inside `config.change`."""
    _check_own(person)
    if days not in LIFETIMES_DAYS:
        raise InvalidError.of(days=f"Choose {', '.join(str(one) for one in LIFETIMES_DAYS)} days.")
    label = label.strip()
    if not label or len(label) > 120:
        raise InvalidError.of(label="Say where you use it, in at most 120 characters.")
    service = _service_of(person)
    live = service.keys.filter(revoked_at__isnull=True, expires_at__gt=timezone.now()).count()
    if live >= MOST_KEYS:
        raise ConflictError(f"You hold {MOST_KEYS} keys. Revoke one that you don't use any more.")
    expires_at = timezone.now() + dt.timedelta(days=days)
    key, plaintext = make_key(service, label=label, expires_at=expires_at)
    note("issue", "service key", str(key), after={"label": label, "expires_at": expires_at, "person": person.email})
    return key, plaintext


def revoke_own_key(person: User, key_id: uuid.UUID) -> ServiceKey:
    """It opens nothing any more. Raises MissingError for a key that is not theirs."""
    _check_own(person)
    key = keys_of(person).filter(pk=key_id).first()
    if key is None:
        raise MissingError("You hold no such key.")
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        note("revoke", "service key", str(key))
    return key


def _check_own(person: User) -> None:
    guard(OWN_KEYS)
    if current_actor().person_id != person.pk:
        raise ForbiddenError("Only the person themselves can do this.")


def _service_of(person: User) -> Service:
    """The person's own service, made when they ask for their first key."""
    found = Service.objects.select_for_update(of=("self",)).filter(person=person).first()
    if found:
        return found
    local = re.sub(r"[^a-z0-9_-]+", "-", person.email.partition("@")[0].lower()).strip("-_")[:40] or "person"
    taken = set(Service.objects.filter(name__startswith=f"{local}-own").values_list("name", flat=True))
    names = (f"{local}-own", *(f"{local}-own-{number}" for number in range(2, len(taken) + 3)))
    made = Service(
        name=next(name for name in names if name not in taken),
        description=f"Keys of {person.email}'s own",
        scopes=SCOPES,
        person=person,
    )
    made.save(force_insert=True)
    note("create", "service", made.name, after=state_of(made))
    return made
