"""Switches: what is stopped, by whom, why, and who may let it run again."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from llmadmin.accounts.models import Role


class Scope(models.TextChoices):
    """How much one switch stops."""

    EVERYTHING = "everything", "Everything"
    PROVIDER = "provider", "Provider"
    KEY = "key", "API key"
    SERVICE = "service", "Service"


class Stop(models.Model):
    """One use of a switch. It is in force until `lifted_at` is set, and stays as history.

    It stands beside the config: no version holds it, and no rollback or import lifts it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=16, choices=Scope)
    target = models.CharField(max_length=128, blank=True)
    """The provider's slug, or the id of the API key or service; empty for everything."""
    label = models.CharField(max_length=200)
    """What people call it, as it was called then."""
    reason = models.CharField(max_length=300)
    lifted_by_role = models.CharField(max_length=16, choices=Role, default=Role.EDITOR)
    """The least role that may let it run again."""
    stopped_at = models.DateTimeField()
    stopped_by = models.CharField(max_length=254)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["-stopped_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "target"], condition=Q(lifted_at__isnull=True), name="stop_once_in_force"
            ),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="stop_scope_known"),
            models.CheckConstraint(
                condition=Q(scope=Scope.EVERYTHING, target="") | (~Q(scope=Scope.EVERYTHING) & ~Q(target="")),
                name="stop_names_its_target",
            ),
            models.CheckConstraint(condition=Q(lifted_by_role__in=Role.values), name="stop_lifting_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.label}".strip()
