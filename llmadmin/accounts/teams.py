"""Teams: a name for a group of services, and the people who look after them. A team grants nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from llmadmin.accounts.models import Team, User
from llmadmin.accounts.permissions import SERVICES_MANAGE, guard
from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.core.errors import ConflictError, InUseError, InvalidError, StaleError


def create_team(*, slug: str, name: str = "", members: Iterable[str] = (), source: str = "ui") -> Team:
    """Inside `config.change`. `members` are e-mail addresses. Raises InvalidError, ConflictError, ForbiddenError."""
    guard(SERVICES_MANAGE)
    team = Team(slug=slug, name=name or slug, source=source)
    _check_fields(team)
    people = _found_people(members)
    team.save(force_insert=True)
    team.members.set(people)
    note("create", "team", team.slug, after=team_state(team))
    return team


def update_team(team: Team, *, expected_revision: int | None = None, **fields: Any) -> Team:
    """Set `slug`, `name` or `members`. Raises StaleError, InvalidError, ConflictError, ForbiddenError."""
    team = _locked(team, expected_revision)
    before = team_state(team)
    members = fields.pop("members", None)
    for name, value in fields.items():
        if name not in ("slug", "name"):
            raise InvalidError.of(**{name: "A team has no such field."})
        setattr(team, name, value)
    team.name = team.name or team.slug
    _check_fields(team)
    if members is not None:
        team.members.set(_found_people(members))
    after = team_state(team)
    if after == before:
        return team
    team.revision += 1
    team.save()
    note("update", "team", team.slug, before=before, after=after)
    return team


def delete_team(team: Team, *, expected_revision: int | None = None) -> None:
    """Raises InUseError, naming them, while services stand in it."""
    team = _locked(team, expected_revision)
    services = list(team.services.order_by("name").values_list("name", flat=True))
    if services:
        raise InUseError(
            f"{len(services)} service{'s' if len(services) > 1 else ''} stand in the team {team.slug!r}. "
            "Move them to another one first.",
            dependents=[f"service {name}" for name in services],
        )
    before = team_state(team)
    team.delete()
    note("delete", "team", before["slug"], before=before)


def team_state(team: Team) -> dict[str, Any]:
    """The team as the audit log shows it, with its members' addresses."""
    return state_of(team) | {"members": sorted(team.members.values_list("email", flat=True))}


def _locked(team: Team, expected_revision: int | None) -> Team:
    guard(SERVICES_MANAGE)
    current = Team.objects.select_for_update().filter(pk=team.pk).first()
    if current is None:
        raise StaleError(f"The team {team.slug!r} was deleted meanwhile.")
    if expected_revision is not None and current.revision != expected_revision:
        raise StaleError(
            f"Someone changed the team {current.slug!r} since you opened it. Load it again and repeat your change."
        )
    return current


def _check_fields(team: Team) -> None:
    try:
        team.clean_fields()
    except ValidationError as problem:
        raise InvalidError.of(**{name: " ".join(texts) for name, texts in problem.message_dict.items()}) from None
    if Team.objects.filter(slug=team.slug).exclude(pk=team.pk).exists():
        raise ConflictError(f"There is a team {team.slug!r} already. Choose another name.", fields={"slug": "Taken."})


def _found_people(addresses: Iterable[str]) -> list[User]:
    if isinstance(addresses, str | bytes):
        raise InvalidError.of(members="Give a list of e-mail addresses.")
    wanted = {str(one).strip().lower() for one in addresses}
    found = list(User.objects.filter(email__in=wanted))
    missing = sorted(wanted - {person.email for person in found})
    if missing:
        raise InvalidError.of(members=f"Nobody here has the address {missing[0]}. Invite them first.")
    return found
