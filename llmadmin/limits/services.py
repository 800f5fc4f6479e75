"""Turning switches. A switch works beside the config: no version, but the same audit and every process within a second."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from llmadmin.accounts.models import Role, Service
from llmadmin.accounts.permissions import TRAFFIC_SWITCH, may
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note, note_now
from llmadmin.catalog.models import Provider
from llmadmin.config.services import operate
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError
from llmadmin.limits.models import Scope, Stop
from llmadmin.vault.models import ApiKey

_RANK = {role: rank for rank, role in enumerate((Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER))}
LIFTING_ROLES = (Role.EDITOR, Role.ADMIN, Role.OWNER)
MAX_REASON_CHARS = 300


def stop_traffic(scope: str, target: str = "", *, by: Actor, reason: str, lifted_by_role: str = Role.EDITOR) -> Stop:
    """Stop a provider (by slug), an API key (by id), a service (by name), or everything, from now on in every process.

    Whoever stops may not reserve the way back for a role above their own. Raises ForbiddenError, InvalidError, MissingError,
    and ConflictError where it is stopped already.
    """
    reason = reason.strip()
    if scope not in Scope.values:
        raise InvalidError.of(scope=f"Choose one of {', '.join(Scope.values)}.")
    if not reason or len(reason) > MAX_REASON_CHARS:
        raise InvalidError.of(reason=f"Say why, in 1 to {MAX_REASON_CHARS} characters: callers and colleagues read it.")
    if lifted_by_role not in LIFTING_ROLES:
        raise InvalidError.of(lifted_by_role=f"Choose one of {', '.join(LIFTING_ROLES)}.")
    if rank_of(by) < rank_of_role(lifted_by_role):
        raise InvalidError.of(lifted_by_role="Choose a role that you have yourself, or one below it.")
    with operate(by=by, why=reason, permission=TRAFFIC_SWITCH):
        target, label = named(scope, target)
        stop = Stop(
            scope=scope,
            target=target,
            label=label,
            reason=reason,
            lifted_by_role=lifted_by_role,
            stopped_at=timezone.now(),
            stopped_by=by.label[:254],
            person_id=by.person_id,
        )
        try:
            with transaction.atomic():
                stop.save(force_insert=True)
        except IntegrityError:
            raise ConflictError(f"{label} is stopped already. Reload the page to see by whom and why.") from None
        note("stop", scope, label, after={"reason": reason, "lifted_by_role": lifted_by_role})
    return stop


def lift_stop(stop: Stop, *, by: Actor, why: str = "") -> Stop:
    """Let it run again. Raises ForbiddenError for a role below the one that the stop asks for.

    ConflictError where somebody else lifted it meanwhile.
    """
    if not may_lift(by, stop):
        note_now(by, "refused", stop.scope, stop.label, was_refused=True, why="may not lift this stop")
        raise ForbiddenError(
            f"{stop.stopped_by} asked that only the role {stop.lifted_by_role} or above lets {stop.label} run again."
        )
    with operate(by=by, why=why, permission=TRAFFIC_SWITCH):
        now = timezone.now()
        if not Stop.objects.filter(pk=stop.pk, lifted_at__isnull=True).update(lifted_at=now, lifted_by=by.label[:254]):
            raise ConflictError(f"{stop.label} runs again already.")
        note("restart", stop.scope, stop.label, before={"reason": stop.reason, "stopped_by": stop.stopped_by})
    stop.refresh_from_db()
    return stop


def may_lift(actor: Actor, stop: Stop) -> bool:
    return may(actor, TRAFFIC_SWITCH) and rank_of(actor) >= rank_of_role(stop.lifted_by_role)


def rank_of_role(role: str) -> int:
    return _RANK[Role(role)]


def rank_of(actor: Actor) -> int:
    """How far up an actor stands: a person's role; commands and llmadmin itself as an owner; a service with `admin` as an admin."""
    if actor.kind in ("command", "system"):
        return _RANK[Role.OWNER]
    if actor.kind == "service":
        return _RANK[Role.ADMIN if "admin" in actor.scopes else Role.VIEWER]
    return rank_of_role(actor.role) if actor.role in Role.values else -1


def named(scope: str, target: str) -> tuple[str, str]:
    """The target as it is kept, and what people call it. Raises MissingError."""
    match scope:
        case Scope.EVERYTHING:
            if target:
                raise InvalidError.of(target="Stopping everything names no target.")
            return "", "All traffic"
        case Scope.PROVIDER:
            if Provider.objects.filter(slug=target).exists():
                return target, target
            raise MissingError(f"There is no provider {target[:63]!r}.")
        case Scope.KEY:
            key_id = _uuid(target)
            key = ApiKey.objects.select_related("provider").filter(pk=key_id).first() if key_id else None
            if key is not None:
                return str(key.pk), f"{key.provider.slug}/{key.label}"
            raise MissingError("There is no such API key.")
        case _:
            service = Service.objects.filter(name=target).first()
            if service is not None:
                return str(service.pk), service.name
            raise MissingError(f"There is no service {target[:63]!r}.")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
