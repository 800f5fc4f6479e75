"""Changing people: roles, switching off and on, removal, and taking their sessions and second factors. Inside `config.change`.

What a person holds ends with them at once: sessions are deleted, and personal keys open only while their person may hold
keys. Nobody acts on someone above them, and the last owner stays.
"""

from __future__ import annotations

from typing import Any

from llmadmin.accounts.models import Role, User
from llmadmin.accounts.permissions import PEOPLE_MANAGE, guard, guard_confirmed
from llmadmin.accounts.second_factors import remove_second_factors
from llmadmin.accounts.sessions import end_sessions
from llmadmin.audit.services import current_actor, note
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, StaleError

_POWERFUL = (Role.OWNER, Role.ADMIN)


def change_role(person: User, role: str) -> User:
    """Takes effect with the person's next request. Raises InvalidError, ForbiddenError, ConflictError for the last owner."""
    person = _locked(person)
    role = checked_role(role)
    if role == person.role:
        return person
    check_may_grant(role)
    if person.role == Role.OWNER:
        _keep_an_owner(person)
    before = person.role
    _set(person, role=role, is_superuser=role == Role.OWNER, is_staff=role == Role.OWNER)
    note("update", "person", person.email, before={"role": before}, after={"role": role})
    return person


def disable_person(person: User) -> User:
    """Out at once: sessions end, personal keys open nothing, no way in. What they did stays in the history."""
    person = _locked(person)
    _refuse_self(person, "switch yourself off")
    if not person.is_active:
        return person
    _keep_an_owner(person)
    _set(person, is_active=False)
    ended = end_sessions(person)
    note("disable", "person", person.email, after={"is_active": False, "sessions_ended": ended})
    return person


def enable_person(person: User) -> User:
    """They sign in again as they did before, with the role they had."""
    person = _locked(person)
    if person.is_active:
        return person
    if person.role in _POWERFUL:
        check_may_grant(person.role)
    _set(person, is_active=True)
    note("enable", "person", person.email, after={"is_active": True})
    return person


def remove_person(person: User) -> None:
    """The account goes, with its sessions, second factors and personal keys; the history keeps the address."""
    person = _locked(person)
    _refuse_self(person, "remove yourself")
    _keep_an_owner(person)
    before = {"email": person.email, "role": person.role}
    service = getattr(person, "personal_service", None)
    end_sessions(person)
    person.delete()
    if service is not None:
        note("delete", "service", service.name, before={"name": service.name, "person": before["email"]})
    note("delete", "person", before["email"], before=before)


def sign_out_everywhere(person: User) -> int:
    """End all sessions of someone; one's own need no permission. Returns how many ended."""
    if current_actor().person_id != person.pk:
        person = _locked(person)
    ended = end_sessions(person)
    if ended:
        note("end", "session", person.email, after={"sessions_ended": ended})
    return ended


def take_second_factors(person: User) -> int:
    """For someone who lost them: they come in with the password alone, and set up new ones. Sessions end as well."""
    person = _locked(person)
    _refuse_self(person, "remove your own second factor here; use Your account")
    guard_confirmed("take someone's second factor away")
    removed = remove_second_factors(person)
    if removed:
        end_sessions(person)
        note("delete", "second factor", person.email, after={"kind": "all of them"})
    return removed


def checked_role(role: str) -> str:
    """Raises InvalidError."""
    if role not in Role.values:
        raise InvalidError.of(role=f"Choose one of {', '.join(Role.values)}.")
    return role


def check_may_grant(role: str) -> None:
    """Nobody makes someone more powerful than themselves; making owners and admins needs a fresh confirmation."""
    guard(PEOPLE_MANAGE)
    if not is_as_powerful_as(role):
        raise ForbiddenError("Only an owner can make someone an owner. Ask one.")
    if role in _POWERFUL:
        guard_confirmed(f"make someone {Role(role).label.lower()}")


def is_as_powerful_as(role: str) -> bool:
    """Whether whoever is acting may act on someone of that role: on owners, only owners."""
    actor = current_actor()
    return role != Role.OWNER or actor.kind != "person" or actor.role == Role.OWNER


def _locked(person: User) -> User:
    """The row as it is now, of someone whom the actor may act on. Raises StaleError, ForbiddenError."""
    guard(PEOPLE_MANAGE)
    current = User.objects.select_for_update().filter(pk=person.pk).first()
    if current is None:
        raise StaleError(f"{person.email} was removed meanwhile.")
    if not is_as_powerful_as(current.role):
        raise ForbiddenError(f"{current.email} is an owner. Only another owner can do this.")
    return current


def _keep_an_owner(person: User) -> None:
    """The change holds a lock that lets no second one run, so two can't demote each other at once."""
    others = User.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=person.pk)
    if person.role == Role.OWNER and person.is_active and not others.exists():
        raise ConflictError(f"{person.email} is the last owner. Make someone else an owner first.")


def _refuse_self(person: User, act: str) -> None:
    if current_actor().person_id == person.pk:
        raise ConflictError(f"You can't {act}. Ask another owner or admin.")


def _set(person: User, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(person, name, value)
    person.save(update_fields=[*fields])
