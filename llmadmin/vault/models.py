"""The keys that open the providers' doors. Only this room sees their plaintext."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from llmadmin.catalog.models import Provider
from llmadmin.core.fields import ConfigRow


class KeyState(models.TextChoices):
    """Whether a key is used. `LOCKED` means that its provider's address changed: it waits to be entered again."""

    ACTIVE = "active", "Active"
    DRAINING = "draining", "Draining"
    DISABLED = "disabled", "Disabled"
    FAILED = "failed", "Failed"
    LOCKED = "locked", "Locked"


class ApiKey(ConfigRow):
    """A provider's key, encrypted with AES-256-GCM; the row's id, provider and origin are its associated data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField(max_length=120)
    environment = models.CharField(max_length=32, default="production")
    ciphertext = models.BinaryField()
    origin = models.CharField(max_length=500)
    """Scheme, host and port that the key was entered for; elsewhere it does not decrypt."""
    encryption_key_id = models.CharField(max_length=16)
    last4 = models.CharField(max_length=4)
    fingerprint = models.CharField(max_length=64)
    """Keyed hash (HMAC-SHA-256) that tells whether two rows hold the same key."""
    weight = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=KeyState, default=KeyState.ACTIVE)
    state_reason = models.CharField(max_length=300, blank=True)
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
