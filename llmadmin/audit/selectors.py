"""Reading the audit log."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from llmadmin.audit.models import AuditEntry


ORDER = ("-at", "-id")


def entries(**filters: Any) -> QuerySet[AuditEntry]:
    """Entries, newest first, with their persons. Filters are look-ups of AuditEntry; those that are None or "" are left out."""
    wanted = {name: value for name, value in filters.items() if value not in (None, "")}
    return AuditEntry.objects.filter(**wanted).select_related("person").order_by(*ORDER)


def entries_of(object_type: str, object_name: str) -> QuerySet[AuditEntry]:
    """What happened to one object, newest first."""
    return entries(object_type=object_type, object_name=object_name)
