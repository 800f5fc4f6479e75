"""Retention: the only way by which audit entries leave the database."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry, Pruning
from llmadmin.audit.services import note_now
from llmadmin.core.errors import InvalidError

LEAST_DAYS = 30
"""Nobody shortens retention to wipe away what they did last week."""
BATCH = 5_000


def prune_entries(*, older_than: dt.datetime, by: Actor) -> int:
    """Delete the entries from before `older_than`, batch by batch, and return how many those were.

    Whatever was deleted is itself an entry. Safe to stop and to repeat. Raises InvalidError for a moment less than
    `LEAST_DAYS` ago.
    """
    if older_than > timezone.now() - dt.timedelta(days=LEAST_DAYS):
        raise InvalidError.of(older_than=f"Keep audit entries for {LEAST_DAYS} days at least.")
    gone = 0
    while batch := _prune_batch(older_than):
        gone += batch
    if gone:
        note_now(by, "prune", "audit", "audit log", after={"older_than": older_than, "entries": gone})
    return gone


def _prune_batch(older_than: dt.datetime) -> int:
    """One short transaction, so that nobody who writes an entry waits for long."""
    old = AuditEntry.objects.filter(at__lt=older_than).order_by("at").values_list("pk", flat=True)[:BATCH]
    with transaction.atomic():
        leave = Pruning.objects.create(older_than=older_than)
        # A plain query set, since that of the model refuses.
        gone, _ = QuerySet(AuditEntry).filter(pk__in=list(old)).delete()
        leave.delete()
    return gone
