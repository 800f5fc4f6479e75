"""Published, immutable config versions, and the one row that every process polls."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class ConfigVersion(models.Model):
    """Version N: the public document, its hash, and what restoring the tables needs beside it."""

    number = models.PositiveIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    document = models.JSONField()
    restore_state = models.JSONField()
    """Price history, provenance, key states; never a key's plaintext or ciphertext."""
    changes = models.JSONField(default=list)
    """`[{object, name, op, before, after}]` against the version before."""
    published_at = models.DateTimeField()
    actor_label = models.CharField(max_length=254)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    why = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"v{self.number}"


class Publication(models.Model):
    """What is in force. Processes poll this row: `revision` moves with every change, also of service and API keys."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    version = models.PositiveIntegerField(default=0)
    revision = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="publication_is_one_row")]

    def __str__(self) -> str:
        return f"v{self.version}, revision {self.revision}"
