"""Who changed what, from where: one row for each change, sign-in, read of secrets and refused act."""

from __future__ import annotations

from django.conf import settings
from django.db import models


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

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["object_type", "object_name", "-id"], name="audit_by_object")]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.object_type} {self.object_name}"
