"""Changing configuration: one transaction, its audit entries, one new version at its end, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from llmadmin.accounts.actors import system_actor
from llmadmin.accounts.permissions import CONFIG_EDIT, require
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import Act, acting, note_now, write
from llmadmin.config import checks
from llmadmin.config.compiler import capture_state, compile_config
from llmadmin.config.grants import check_grants
from llmadmin.config.models import ConfigVersion, Publication
from llmadmin.config.replacements import check_replacements
from llmadmin.config.selectors import latest
from llmadmin.config.signals import published
from llmadmin.config.state import State, canonical, diff_states
from llmadmin.config.tables import Tables, garbage_left_alone
from llmadmin.core.errors import ConflictError, ForbiddenError, UnconfirmedError, UnheededError
from llmadmin.core.redaction import redact_text
from providers.config import LLMConfig
from providers.document import digest as digest_of


@dataclass(slots=True)
class Change:
    """A change under way; when it is over, what came of it."""

    by: Actor
    why: str = ""
    version: int = 0
    """The version in force after the change, be it new or not."""
    did_publish: bool = False
    changes: list[dict[str, Any]] = field(default_factory=list)
    """`[{object, name, op, before, after}]` of the version that it published."""
    warnings: list[str] = field(default_factory=list)
    """What would not work, or is worth knowing, in the version that it published and not in the one before."""
    grave: list[str] = field(default_factory=list)
    """Those of the warnings by which calls fail."""
    heeds_warnings: bool = False
    """Do nothing and raise UnheededError where something that worked would no longer, or something new would not."""
    needs_version: bool = False
    """Publish the first version even where nothing changed."""


_current: ContextVar[Change | None] = ContextVar("config_change", default=None)


@contextmanager
def change(
    *, by: Actor, why: str = "", permission: str = CONFIG_EDIT, heeds_warnings: bool = False
) -> Iterator[Change]:
    """Change configuration inside: everything is kept and published, or nothing is.

    One change at a time holds the publication row, so numbers rise without gaps. A change inside a change joins it.
    With `heeds_warnings`, what would be published and not work is not done: UnheededError. Raises ForbiddenError, and
    ConflictError where the database refuses; other DomainErrors pass through, all undone.
    """
    require(by, permission)
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    this = Change(by=by, why=why, heeds_warnings=heeds_warnings)
    token = _current.set(this)
    try:
        with transaction.atomic(), acting(by, why=why) as act:
            publication = _lock()
            yield this
            with garbage_left_alone():
                _finish(this, act, publication)
    except ForbiddenError as refusal:
        _note_refusal(by, permission, refusal)
        raise
    except IntegrityError as problem:
        raise ConflictError(
            "The database refused this: something of that name is there already, or something else still needs what you "
            "want to change. Load it again and repeat your change."
        ) from problem
    finally:
        _current.reset(token)


def publish(*, by: Actor | None = None, why: str = "") -> Change:
    """Publish what the tables say, if that is not in force yet; on a new installation, the first version."""
    with change(by=by or system_actor("publish"), why=why) as made:
        made.needs_version = True
    return made


@contextmanager
def operate(*, by: Actor, why: str = "", permission: str) -> Iterator[Act]:
    """Act beside the config inside: audited and known to every process within a second, but no version.

    For what must take hold at once and belongs to no document, such as switches. Raises ForbiddenError.
    """
    require(by, permission)
    try:
        with transaction.atomic(), acting(by, why=why) as act:
            publication = _lock()
            yield act
            write(act.notes)
            publication.revision += 1
            publication.save()
            _announce(publication)
    except ForbiddenError as refusal:
        _note_refusal(by, permission, refusal)
        raise


def _note_refusal(by: Actor, permission: str, refusal: ForbiddenError) -> None:
    """What a service below refused, once all is undone; that somebody must confirm who they are first is no refusal."""
    if not isinstance(refusal, UnconfirmedError):
        note_now(by, "refused", "permission", permission, was_refused=True, why=refusal.message)


def _announce(publication: Publication) -> None:
    """Tell this process once the transaction holds; the others see the row move."""
    announce = partial(published.send, sender=ConfigVersion, version=publication.version, revision=publication.revision)
    transaction.on_commit(announce, robust=True)


def _lock() -> Publication:
    """Whoever holds this row is the only one to change configuration. On SQLite the transaction itself does that."""
    Publication.objects.get_or_create(pk=1)
    return Publication.objects.select_for_update().get(pk=1)


def _finish(this: Change, act: Act, publication: Publication) -> None:
    tables = Tables.read()
    now = timezone.now()
    config = compile_config(tables, version=publication.version + 1, published_at=now, now=now)
    document = config.to_document()
    digest = digest_of(document)
    state = capture_state(tables)
    if any(note.object_type == "service" for note in act.notes):
        check_grants(tables)
    check_replacements(tables)
    before = latest(with_document=False)
    is_first = this.needs_version and not before.number
    if is_first or not _is_published(digest, state, before):
        checks.run(config)
        found = _look_out(this, tables, config, before)
        this.changes = diff_states(before.restore_state, state)
        publication.version += 1
        this.did_publish = True
        _keep(
            this,
            ConfigVersion(
                number=publication.version,
                hash=digest,
                document=document,
                restore_state=state,
                warnings=[finding.to_json() for finding in found],
                published_at=now,
            ),
        )
    write(act.notes, version=publication.version if this.did_publish else None)
    if act.notes or this.did_publish:
        publication.revision += 1
        publication.save()
        _announce(publication)
    this.version = publication.version


def _look_out(this: Change, tables: Tables, config: LLMConfig, before: ConfigVersion) -> list[checks.Finding]:
    """All findings. What the version before did not have goes into the change's `warnings`, or stops it where it heeds them."""
    found = checks.findings(tables, config)
    fresh = checks.unknown_before(found, before.warnings)
    this.warnings = [finding.message for finding in fresh]
    this.grave = [finding.message for finding in fresh if finding.level == checks.WARNING]
    if this.heeds_warnings and this.grave:
        raise UnheededError(" ".join(this.grave), warnings=this.grave)
    return found


def foresee() -> list[str]:
    """Within a change: what publishing it now would warn of. Raises what would refuse it."""
    tables = Tables.read()
    config = compile_config(tables)
    checks.run(config)
    found = checks.findings(tables, config)
    return [finding.message for finding in checks.unknown_before(found, latest(with_document=False).warnings)]


def _is_published(digest: str, state: State, before: ConfigVersion) -> bool:
    """Whether the version in force says the same. The state holds the ids that the digest leaves out."""
    return digest == before.hash and canonical(state) == canonical(before.restore_state)


def _keep(this: Change, version: ConfigVersion) -> None:
    version.changes = this.changes
    version.actor_label = this.by.label[:254]
    version.person_id = this.by.person_id
    version.why = redact_text(this.why)[:500]
    version.source = this.by.source[:16]
    version.save(force_insert=True)
