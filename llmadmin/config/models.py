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
    warnings = models.JSONField(default=list, db_default=[])
    """`[{code, level, object, name, message}]`: what in it would not work, said when it was published."""
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


class AppliedFile(models.Model):
    """The config file that was applied last: what it named is the file's. One row, since there is one owner of that kind."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of what was given, to tell whether it is the file of last time."""
    applied_at = models.DateTimeField()
    actor_label = models.CharField(max_length=254)
    version = models.PositiveIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="applied_file_is_one_row")]

    def __str__(self) -> str:
        return self.name


class Takeover(models.Model):
    """An object that people took over from the file: `apply` passes it over until it is given back."""

    object_type = models.CharField(max_length=16)
    object_id = models.CharField(max_length=64)
    """The row's primary key, which a new name leaves alone."""
    actor_label = models.CharField(max_length=254)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["object_type", "object_id"], name="taken_over_once")]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}"
