"""Going back: the tables as they were at a version, published as a new one."""

from __future__ import annotations

import copy

from llmadmin.audit.actor import Actor
from llmadmin.config.compiler import capture_state
from llmadmin.config.reconciling import Reconciler
from llmadmin.config.selectors import current_publication, get_version
from llmadmin.config.services import Change, change, foresee
from llmadmin.config.state import diff_states


def rollback_to(number: int, *, by: Actor, why: str = "") -> Change:
    """Restore the tables to version `number`: prices, provenance, key states and targets too.

    Secrets are left alone: a deleted key does not come back, one that was added since is put out of use, and one whose
    provider goes back to another origin is locked. Raises MissingError, InUseError, InvalidError; then nothing is written.
    """
    with change(by=by, why=why or f"Rolled back to version {number}") as made:
        _restore(number)
    return made


class _RehearsedError(Exception):
    """Ends a rehearsal, so that its transaction is undone."""


def rehearse_rollback(number: int, *, by: Actor, why: str = "") -> Change:
    """What `rollback_to` would change and what of it would not work, with nothing written. Raises what it would raise."""
    held = Change(by=by, why=why, version=current_publication()[0])
    before = capture_state()
    try:
        with change(by=by, why=why):
            _restore(number)
            held.changes = diff_states(before, capture_state())
            held.warnings = foresee()
            raise _RehearsedError
    except _RehearsedError:
        held.did_publish = bool(held.changes)
        return held


def _restore(number: int) -> None:
    state = copy.deepcopy(get_version(number, with_document=False).restore_state)
    Reconciler(state, keeps_keys=True, reason=f"Not in use in version {number}, which was restored.").run()
