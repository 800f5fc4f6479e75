"""Long work of the vault, in the background; all of it goes on after a kill."""

from __future__ import annotations

import uuid

from celery import shared_task

from llmadmin.accounts.actors import system_actor
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.vault import reencryption
from llmadmin.vault.models import Reencryption


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def walk_reencryption(run_id: str) -> None:
    """Go on with a walk to its end."""
    run = Reencryption.objects.filter(pk=uuid.UUID(run_id), ended_at__isnull=True).first()
    if run is not None:
        finish(run, by=system_actor("re-encryption"))


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def resume_reencryption() -> int:
    """Take over walks whose process died, and say how many. One short query when there are none."""
    found = [run for run in reencryption.silent_walks() if reencryption.take_over(run)]
    for run in found:
        finish(run, by=system_actor("re-encryption"))
    return len(found)


def finish(run: Reencryption, *, by: Actor) -> Reencryption:
    """Walk to the end, and leave one audit entry of what was moved."""
    done = reencryption.walk(run)
    if done.is_done:
        note_finished(done, by=by)
    return done


def note_finished(run: Reencryption, *, by: Actor) -> None:
    """A walk that only looked leaves no entry."""
    if not run.is_dry_run:
        what = {"key_id": run.encryption_key_id, "moved": run.moved, "unreadable": run.unreadable_count}
        note_now(by, "rotate", "encryption key", "API keys", after=what)
