"""The keys that open the providers' doors, and what is under way with them. Only this room sees their plaintext."""

from __future__ import annotations

import math
import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from llmadmin.catalog.models import Provider
from llmadmin.core.fields import ConfigRow


class KeyState(models.TextChoices):
    """Whether a key is used. `LOCKED` means that its provider's address changed: it waits to be entered again.

    `FAILED` is the server's own finding, kept until a call or a probe succeeds; what people decided stands beside it.
    """

    ACTIVE = "active", "Active"
    DRAINING = "draining", "Draining"
    DISABLED = "disabled", "Disabled"
    FAILED = "failed", "Failed"
    LOCKED = "locked", "Locked"


USED = (KeyState.ACTIVE, KeyState.DRAINING)
WARNED_DAYS = 30


class ApiKey(ConfigRow):
    """A provider's key, encrypted with AES-256-GCM; the row's id, provider and origin are its associated data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField(max_length=120)
    environment = models.CharField(max_length=32, default="production")
    ciphertext = models.BinaryField()
    source_ref = models.CharField(max_length=500, blank=True)
    """Where the key's text lies instead: `env:NAME` or `file:/path`. The ciphertext then holds this reference."""
    origin = models.CharField(max_length=500)
    """Scheme, host and port that the key was entered for; elsewhere it does not decrypt."""
    encryption_key_id = models.CharField(max_length=16)
    last4 = models.CharField(max_length=4)
    fingerprint = models.CharField(max_length=64)
    """Keyed hash (HMAC-SHA-256) that tells whether two rows hold the same key."""
    entered_at = models.DateTimeField(default=timezone.now, editable=False)
    """When the text was given. Tells what was learned of this text from what was learned of the one before it."""
    weight = models.PositiveSmallIntegerField(default=1)
    allowed_models = models.JSONField(default=list, blank=True)
    """Names of the provider's models that the key is for; empty means all."""
    calls_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=KeyState, default=KeyState.ACTIVE)
    state_reason = models.CharField(max_length=300, blank=True)
    resumes_as = models.CharField(max_length=16, blank=True)
    """Of a failed key: the state that it had, and has again once it works."""
    failure_class = models.CharField(max_length=32, blank=True)
    failure_count = models.PositiveSmallIntegerField(default=0)
    """Failures since a call last succeeded; the pause before a probe doubles with each."""
    probe_at = models.DateTimeField(null=True, blank=True)
    """When a failed key is next worth asking. Whoever moves it forward is the one who probes."""
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["provider__slug", "label"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "label"], name="key_label_unique_at_provider"),
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=1000), name="key_weight_in_range"),
            models.CheckConstraint(condition=Q(state__in=KeyState.values), name="key_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.provider.slug} {self.label} …{self.last4}"

    @property
    def intended_state(self) -> str:
        """What people want of the key, whatever became of it: the state that versions keep."""
        return (self.resumes_as or KeyState.ACTIVE.value) if self.state == KeyState.FAILED else self.state

    @property
    def intended_reason(self) -> str:
        return "" if self.state == KeyState.FAILED else self.state_reason

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def days_left(self) -> int | None:
        """Begun days until it expires, of a key in use that ends within 30 days; 0 once it has ended, else None."""
        if self.expires_at is None or self.intended_state not in USED:
            return None
        left_s = (self.expires_at - timezone.now()).total_seconds()
        return None if left_s > WARNED_DAYS * 86_400 else max(0, math.ceil(left_s / 86_400))


class RotationStep(models.TextChoices):
    """How far a rotation has come. The new key waits in `ADDED` and `TESTED`; the old one still answers in `DRAINING`."""

    ADDED = "added", "New key added"
    TESTED = "tested", "New key tested"
    DRAINING = "draining", "Old key draining"
    RETIRED = "retired", "Old key retired"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STEPS = (RotationStep.ADDED, RotationStep.TESTED, RotationStep.DRAINING)


class KeyRotation(models.Model):
    """One key on its way to being replaced by another, so that anybody can go on where somebody stopped."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    old_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="rotations")
    new_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="rotations_in")
    step = models.CharField(max_length=16, choices=RotationStep, default=RotationStep.ADDED)
    old_state = models.CharField(max_length=16)
    """The old key's state before, which a cancelled rotation gives back."""
    started_by = models.CharField(max_length=254)
    started_at = models.DateTimeField(default=timezone.now)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_passed = models.BooleanField(default=False)
    test_message = models.CharField(max_length=500, blank=True)
    switched_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    retires_after_s = models.PositiveIntegerField(null=True, blank=True)
    """Retire the old key by itself once no call has used it for so long; None leaves that to people."""

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["old_key"], condition=Q(ended_at__isnull=True), name="one_open_rotation_of_a_key"
            ),
            models.CheckConstraint(condition=Q(step__in=RotationStep.values), name="rotation_step_known"),
        ]

    def __str__(self) -> str:
        return f"{self.old_key.label} → {self.new_key.label}: {self.step}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class Reencryption(models.Model):
    """One walk over the stored keys towards the current encryption key. It goes on where it was killed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    encryption_key_id = models.CharField(max_length=16)
    """The key that rows are moved to."""
    is_dry_run = models.BooleanField(default=False)
    started_by = models.CharField(max_length=254)
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now)
    """When whoever walks last said so; a walk that is silent for long may be taken over."""
    ended_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    on_current = models.PositiveIntegerField(default=0)
    last_id = models.UUIDField(null=True, blank=True)
    """The row that was looked at last, in the order of ids."""
    unreadable: models.JSONField[Any, Any] = models.JSONField(default=list)
    """`[{id, name, reason}]` of the rows that no encryption key opens, the first thousand of them."""
    unreadable_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.seen} of {self.total} towards {self.encryption_key_id}"

    @property
    def is_done(self) -> bool:
        return self.ended_at is not None
