"""Reading the audit log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from llmadmin.audit.models import AuditEntry
from llmadmin.core.errors import MissingError

ORDER = ("-at", "-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """What to look for. All that is given must hold; None and "" ask nothing."""

    by: str = ""
    object: str = ""
    name: str = ""
    action: str = ""
    request_id: str = ""
    version: int | None = None
    refused: bool | None = None
    from_at: dt.datetime | None = None
    """Inclusive."""
    to_at: dt.datetime | None = None
    """Exclusive."""
    is_loose: bool = False
    """Whether `by` and `name` may be parts, in any case, as people type them; otherwise an index answers them."""

    @property
    def lookups(self) -> dict[str, Any]:
        """As look-ups of AuditEntry."""
        part = "__icontains" if self.is_loose else ""
        found = {
            f"actor_label{part}": self.by,
            "object_type": self.object,
            f"object_name{part}": self.name,
            "action": self.action,
            "request_id": self.request_id,
            "version": self.version,
            "was_refused": self.refused,
            "at__gte": self.from_at,
            "at__lt": self.to_at,
        }
        return {name: value for name, value in found.items() if value not in (None, "")}


def search(wanted: EntryFilter) -> QuerySet[AuditEntry]:
    """Entries that match, newest first; page them by `ORDER`."""
    return entries(**wanted.lookups)


def entries(**filters: Any) -> QuerySet[AuditEntry]:
    """Entries, newest first, with their persons. Filters are look-ups of AuditEntry; those that are None or "" are left out."""
    wanted = {name: value for name, value in filters.items() if value not in (None, "")}
    return AuditEntry.objects.filter(**wanted).select_related("person").order_by(*ORDER)


def entries_of(object_type: str, object_name: str) -> QuerySet[AuditEntry]:
    """What happened to one object, newest first."""
    return entries(object_type=object_type, object_name=object_name)


def get_entry(number: int) -> AuditEntry:
    """Raises MissingError."""
    found = entries(pk=number).first()
    if found is None:
        raise MissingError("There is no such entry. It may have grown older than this installation keeps them.")
    return found


def same_request(entry: AuditEntry) -> QuerySet[AuditEntry]:
    """The other acts of the request that `entry` came from."""
    if not entry.request_id:
        return AuditEntry.objects.none()
    return entries(request_id=entry.request_id).exclude(pk=entry.pk)
