"""Who changed what, from where: one row for each change, sign-in, read of secrets and refused act."""

from __future__ import annotations

from typing import Any, ClassVar, Never

from django.conf import settings
from django.db import models
from django.db.models import Q

_STAYS = "Audit entries stay as they were written. Only llmadmin.audit.pruning.prune_entries takes old ones away."


class EntryRows(models.QuerySet["AuditEntry"]):
    """Rows that can be read and added to. The database's own triggers hold where this class is walked around."""

    def update(self, **_: Any) -> Never:
        raise TypeError(_STAYS)

    def bulk_update(self, *_: Any, **__: Any) -> Never:
        raise TypeError(_STAYS)

    def delete(self) -> Never:
        raise TypeError(_STAYS)


class AuditEntry(models.Model):
    """One act in words people read. `before` and `after` hold the changed fields only, never a secret."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_kind = models.CharField(max_length=16)
    """`person`, `service`, `command` or `system`."""
    actor_label = models.CharField(max_length=254)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    action = models.CharField(max_length=32)
    """`create`, `update`, `delete`, or a verb of its own such as `rotate`, `sign-in`, `reveal`."""
    object_type = models.CharField(max_length=32)
    object_name = models.CharField(max_length=300)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=16, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    version = models.PositiveIntegerField(null=True, blank=True)
    """The config version that the change led to."""
    was_refused = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[AuditEntry]] = EntryRows.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["object_type", "object_name", "at"], name="audit_by_object"),
            models.Index(fields=["object_type", "at"], name="audit_by_kind"),
            models.Index(fields=["action", "at"], name="audit_by_act"),
            models.Index(fields=["actor_label", "at"], name="audit_by_actor"),
            models.Index(fields=["request_id", "at"], name="audit_by_request"),
            models.Index(fields=["version", "at"], name="audit_by_version", condition=Q(version__isnull=False)),
            models.Index(fields=["at"], name="audit_refused", condition=Q(was_refused=True)),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.object_type} {self.object_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(_STAYS)
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> Never:
        raise TypeError(_STAYS)


class Pruning(models.Model):
    """The retention job's word to the database's triggers: entries older than this may go.

    The row lives inside one transaction only, so no other connection ever sees it.
    """

    older_than = models.DateTimeField()

    def __str__(self) -> str:
        return f"entries before {self.older_than}"
