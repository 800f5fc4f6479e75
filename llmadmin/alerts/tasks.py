"""Messages on their way. Each run can be lost: what is due stands in rows."""

from __future__ import annotations

from celery import shared_task

from llmadmin.alerts import services


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def deliver() -> int:
    """Write down messages for new versions and try those that are due; returns how many were tried."""
    services.write_down()
    return services.deliver_due()


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def prune() -> int:
    """Delete old finished messages; returns how many."""
    return services.prune()
