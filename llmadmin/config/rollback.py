"""Going back: the tables as they were at a version, published as a new one."""

from __future__ import annotations

import copy

from llmadmin.audit.actor import Actor
from llmadmin.config.reconciling import Reconciler
from llmadmin.config.selectors import get_version
from llmadmin.config.services import Change, change


def rollback_to(number: int, *, by: Actor, why: str = "") -> Change:
    """Restore the tables to version `number`: prices, provenance, key states and targets too.

    Secrets are left alone: a deleted key does not come back, one that was added since is put out of use, and one whose
    provider goes back to another origin is locked. Raises MissingError, InUseError, InvalidError; then nothing is written.
    """
    state = copy.deepcopy(get_version(number).restore_state)
    with change(by=by, why=why or f"Rolled back to version {number}") as made:
        Reconciler(state, keeps_keys=True, reason=f"Not in use in version {number}, which was restored.").run()
    return made
