"""Regular work on usage; each can be lost and done again, since what is due is written in rows and files."""

from __future__ import annotations

from celery import shared_task

from llmadmin.usage import services
from llmadmin.usage.journal import default_directory
from llmadmin.usage.recovery import recover


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def roll_up_stale() -> int:
    """Roll up the hours that records were added to; returns how many."""
    return services.roll_up_stale(budget_s=30)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def recover_journals() -> int:
    """Bring in what processes of this machine left in their journals when they died; returns how many calls."""
    directory = default_directory()
    if not directory.is_dir():
        return 0
    found = recover(directory, services.store)
    return found.settled + found.aborted
