"""Noting acts. A change notes as it goes and its notes are written with it; refusals and sign-ins are written at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.state import changed_fields, json_ready
from llmadmin.core.redaction import redact_text


@dataclass(frozen=True, slots=True)
class Note:
    """One act that waits to be written; `before` and `after` are JSON-ready and hold no secret."""

    action: str
    object_type: str
    object_name: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(slots=True)
class Act:
    """What an actor is doing, and the notes so far."""

    actor: Actor
    why: str = ""
    notes: list[Note] = field(default_factory=list)


_current: ContextVar[Act | None] = ContextVar("audit_act", default=None)


@contextmanager
def acting(actor: Actor, *, why: str = "") -> Iterator[Act]:
    """Within it `note` belongs to `actor`. Nothing is written by it: `config.change` does so with `write`."""
    act = Act(actor, why)
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def current_act() -> Act | None:
    return _current.get()


def current_actor() -> Actor:
    """Whoever is acting. Raises RuntimeError outside `acting`: a change without an author is a mistake of ours."""
    return _required().actor


def note(
    action: str,
    object_type: str,
    object_name: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note an act of the current actor. Given both states, only what differs is kept, and an update that changed nothing is none.

    Raises RuntimeError outside `acting`.
    """
    act = _required()
    if before is not None and after is not None:
        before, after = changed_fields(json_ready(before), json_ready(after))
        if not before and not after and action == "update":
            return
    act.notes.append(
        Note(
            action,
            object_type,
            object_name,
            None if before is None else json_ready(before),
            None if after is None else json_ready(after),
        )
    )


def write(notes: Sequence[Note], *, version: int | None = None) -> None:
    """Write notes of the current act in one statement. Raises RuntimeError outside `acting`."""
    act = _required()
    AuditEntry.objects.bulk_create(
        [_entry(act.actor, one, why=act.why, version=version) for one in notes], batch_size=200
    )


def note_now(
    actor: Actor,
    action: str,
    object_type: str,
    object_name: str,
    *,
    after: Mapping[str, Any] | None = None,
    was_refused: bool = False,
    why: str = "",
) -> None:
    """Write one act at once: a sign-in, a read of secrets, a refusal."""
    one = Note(action, object_type, object_name, after=None if after is None else json_ready(after))
    entry = _entry(actor, one, why=why)
    entry.was_refused = was_refused
    entry.save(force_insert=True)


def _entry(actor: Actor, one: Note, *, why: str, version: int | None = None) -> AuditEntry:
    return AuditEntry(
        actor_kind=actor.kind,
        actor_label=actor.label[:254],
        person_id=actor.person_id,
        action=one.action[:32],
        object_type=one.object_type[:32],
        object_name=redact_text(one.object_name)[:300],
        before=one.before,
        after=one.after,
        why=redact_text(why)[:500],
        source=actor.source[:16],
        request_id=actor.request_id[:64],
        ip_address=actor.ip_address,
        version=version,
    )


def _required() -> Act:
    act = _current.get()
    if act is None:
        raise RuntimeError("No one is acting. Make changes inside config.change(by=…).")
    return act
