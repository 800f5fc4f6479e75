"""Changing services and the keys that they knock with. All but `note_keys_used` run inside `config.change`."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from llmadmin.accounts.models import Service, ServiceKey, Team
from llmadmin.accounts.permissions import SERVICES_MANAGE, guard, guard_confirmed
from llmadmin.audit.services import current_actor, note
from llmadmin.audit.state import state_of
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, StaleError
from llmadmin.core.redaction import hide

SCOPES = ("config:read", "secrets:read", "usage:write", "usage:read", "gateway:call", "admin")
SENSITIVE_SCOPES = frozenset({"secrets:read", "admin"})
"""Whoever hands these out confirms first that it is them."""
KEY_PREFIX = "lla_"
MAX_GRACE_S = 30 * 24 * 3600
_FIELDS = frozenset({"name", "scopes", "aliases", "team", "description", "enabled"})


def create_service(
    *,
    name: str,
    scopes: Iterable[str],
    aliases: Iterable[str] = (),
    team: Team | str | None = None,
    description: str = "",
    source: str = "ui",
) -> Service:
    """A service without a key yet; `issue_key` gives it one. Raises InvalidError, ConflictError, ForbiddenError."""
    guard(SERVICES_MANAGE)
    service = Service(
        name=name,
        scopes=_checked_scopes(scopes),
        aliases=_checked_aliases(aliases),
        team=_found_team(team),
        description=description,
        source=source,
    )
    _check_may_grant(service.scopes)
    _check_fields(service)
    service.save(force_insert=True)
    note("create", "service", service.name, after=state_of(service))
    return service


def update_service(service: Service, *, expected_revision: int | None = None, **fields: Any) -> Service:
    """Set the given fields. Raises StaleError when someone saved it since revision `expected_revision`, InvalidError, ConflictError."""
    service = locked_service(service, expected_revision=expected_revision)
    before = state_of(service)
    for name, value in fields.items():
        if name not in _FIELDS:
            raise InvalidError.of(**{name: "A service has no such field."})
        setattr(service, name, _checked(name, value))
    _check_may_grant(set(service.scopes) - set(before["scopes"]))
    _check_fields(service)
    if state_of(service) == before:
        return service
    service.revision += 1
    service.save()
    note("update", "service", service.name, before=before, after=state_of(service))
    return service


def delete_service(service: Service, *, expected_revision: int | None = None) -> None:
    """The service and its keys go; what it used stays in the usage table under its name."""
    service = locked_service(service, expected_revision=expected_revision)
    before = state_of(service)
    service.delete()
    note("delete", "service", service.name, before=before)


def issue_key(service: Service, *, label: str = "", expires_at: dt.datetime | None = None) -> tuple[ServiceKey, str]:
    """A new key and its plaintext, which is nowhere kept and can't be shown again."""
    service = locked_service(service)
    _check_may_grant(service.scopes)
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidError.of(expires_at="Choose a moment in the future.")
    if len(label) > 120:
        raise InvalidError.of(label="Use at most 120 characters.")
    key, plaintext = make_key(service, label=label, expires_at=expires_at)
    note("issue", "service key", str(key), after={"label": label, "expires_at": expires_at})
    return key, plaintext


def rotate_service_key(key: ServiceKey, *, grace_s: int = 86400) -> tuple[ServiceKey, str]:
    """A new key in place of `key`, which goes on opening for `grace_s` seconds. Raises ConflictError when it is dead already."""
    guard(SERVICES_MANAGE)
    if not 0 <= grace_s <= MAX_GRACE_S:
        raise InvalidError.of(grace_s=f"Choose between 0 and {MAX_GRACE_S} seconds.")
    now = timezone.now()
    key = ServiceKey.objects.select_for_update(of=("self",)).select_related("service").get(pk=key.pk)
    _check_may_grant(key.service.scopes)
    if key.service.person_id:
        raise ConflictError("This is a person's own key. They issue a new one under Your account.")
    if key.revoked_at or (key.expires_at and key.expires_at <= now):
        raise ConflictError("This key does not open any more. Issue a new one.")
    new, plaintext = make_key(key.service, label=key.label, expires_at=_same_lifetime(key, now))
    end = now + dt.timedelta(seconds=grace_s)
    key.expires_at = min(end, key.expires_at) if key.expires_at else end
    key.save(update_fields=["expires_at"])
    note("rotate", "service key", str(key), after={"successor": str(new), "old_key_opens_until": key.expires_at})
    return new, plaintext


def revoke_key(key: ServiceKey) -> None:
    """From the next version on the key opens nothing. Repeating it changes nothing."""
    guard(SERVICES_MANAGE)
    if not ServiceKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        return
    key.refresh_from_db(fields=["revoked_at"])
    note("revoke", "service key", str(key))


def note_keys_used(used_at: Mapping[uuid.UUID, dt.datetime]) -> None:
    """Move the keys' last use forward, never back. No audit entry, no version."""
    for key_id, at in used_at.items():
        earlier = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
        ServiceKey.objects.filter(earlier, pk=key_id).update(last_used_at=at)


def hash_of(plaintext: str) -> str:
    """SHA-256 in hex: what a key is kept and looked up as.

    A look-up of the digest in a dict needs no constant-time compare: what its timing could tell is about the digest, from
    which nobody can work towards a key of 256 random bits.
    """
    return hashlib.sha256(plaintext.encode("utf-8", "surrogatepass")).hexdigest()


def locked_service(service: Service, *, expected_revision: int | None = None) -> Service:
    """The row as it is now, locked until the transaction ends. Raises StaleError, ConflictError for our own service."""
    guard(SERVICES_MANAGE)
    current = Service.objects.select_for_update(of=("self",)).select_related("team").filter(pk=service.pk).first()
    if current is None:
        raise StaleError(f"The service {service.name!r} was deleted meanwhile.")
    if expected_revision is not None and current.revision != expected_revision:
        raise StaleError(
            f"Someone changed the service {current.name!r} since you opened it. Load it again and repeat your change."
        )
    if current.is_internal:
        raise ConflictError(f"{current.name!r} belongs to llmadmin itself: it has no keys and can't be changed.")
    if current.person_id:
        raise ConflictError(
            f"{current.name!r} holds the keys of one person. They issue them under Your account; you can revoke each, "
            "or switch the person off."
        )
    return current


def make_key(service: Service, *, label: str, expires_at: dt.datetime | None) -> tuple[ServiceKey, str]:
    """The bare act behind every new key; callers have checked who may, and note it."""
    plaintext = KEY_PREFIX + secrets.token_urlsafe(32)
    hide(plaintext)
    key = ServiceKey.objects.create(
        service=service, label=label, hash=hash_of(plaintext), last4=plaintext[-4:], expires_at=expires_at
    )
    return key, plaintext


def _same_lifetime(key: ServiceKey, now: dt.datetime) -> dt.datetime | None:
    return now + (key.expires_at - key.created_at) if key.expires_at else None


def _check_may_grant(scopes: Iterable[str]) -> None:
    """A key with `admin` can't hand out the plaintext of API keys, which it may not read itself; people step up first."""
    actor, scopes = current_actor(), set(scopes)
    if actor.kind == "service" and "secrets:read" in scopes and "secrets:read" not in actor.scopes:
        raise ForbiddenError("Only a key with the scope secrets:read, or a person, can grant secrets:read.")
    if scopes & SENSITIVE_SCOPES:
        guard_confirmed(f"grant {' and '.join(sorted(scopes & SENSITIVE_SCOPES))}")


def _check_fields(service: Service) -> None:
    try:
        service.clean_fields(exclude=["scopes", "aliases", "team"])
    except ValidationError as problem:
        raise InvalidError.of(**{name: " ".join(texts) for name, texts in problem.message_dict.items()}) from None
    if Service.objects.filter(name=service.name).exclude(pk=service.pk).exists():
        raise ConflictError(
            f"There is a service named {service.name!r} already. Choose another name.", fields={"name": "Taken."}
        )


def _checked(name: str, value: Any) -> Any:
    match name:
        case "scopes":
            return _checked_scopes(value)
        case "aliases":
            return _checked_aliases(value)
        case "team":
            return _found_team(value)
    return value


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    given = _texts("scopes", scopes)
    unknown = [scope for scope in given if scope not in SCOPES]
    if unknown:
        raise InvalidError.of(scopes=f"Unknown: {', '.join(unknown)}. Choose from {', '.join(SCOPES)}.")
    if not given:
        raise InvalidError.of(scopes=f"Choose at least one of {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in given]


def _checked_aliases(aliases: Iterable[str]) -> list[str]:
    """Sorted, each once. That they exist is checked by `config`, which knows the aliases."""
    return sorted(set(_texts("aliases", aliases)))


def _texts(field: str, values: Iterable[str]) -> list[str]:
    values = [] if isinstance(values, str | bytes) or not isinstance(values, Iterable) else list(values)
    if any(not isinstance(value, str) or not value or len(value) > 200 for value in values) or len(values) > 1000:
        raise InvalidError.of(**{field: "Give a list of names."})
    return values


def _found_team(team: Team | str | None) -> Team | None:
    """The team, made when a slug is new: teams are only names until budgets stand on them."""
    if team is None or isinstance(team, Team):
        return team
    if not team:
        return None
    found = Team.objects.filter(slug=team).first()
    if found:
        return found
    new = Team(slug=team, name=team)
    try:
        new.clean_fields()
    except ValidationError:
        raise InvalidError.of(
            team="Use lower-case letters, digits, - and _, beginning with a letter or digit."
        ) from None
    new.save()
    note("create", "team", new.slug, after=state_of(new))
    return new
