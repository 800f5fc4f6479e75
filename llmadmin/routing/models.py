"""What names mean: aliases with their targets, agents, and the default."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from llmadmin.catalog.models import LanguageModel
from llmadmin.core.fields import NAME, ConfigRow, Source
from providers.document import plain_number, write_time


class Strategy(models.TextChoices):
    """In which order an alias's targets are tried."""

    PRIORITY = "priority", "Priority"
    WEIGHTED = "weighted", "Weighted"
    ROUND_ROBIN = "round_robin", "Round robin"
    LEAST_LATENCY = "least_latency", "Least latency"
    CHEAPEST = "cheapest", "Cheapest"


class AfterSunset(models.TextChoices):
    """What a deprecated alias does once its sunset has come."""

    ANSWER = "answer", "It still answers"
    REFUSE = "refuse", "It refuses with 410 and names the replacement"


class Alias(ConfigRow):
    """A name that callers use. Names may hold dots and slashes, also when a model has that name."""

    name = models.CharField(max_length=128, unique=True, validators=[NAME])
    strategy = models.CharField(max_length=16, choices=Strategy, default=Strategy.PRIORITY)
    params = models.JSONField(default=dict, blank=True)
    cache_ttl_s = models.PositiveIntegerField(default=0)
    description = models.CharField(max_length=300, blank=True)

    deprecated = models.CharField(max_length=300, null=True, blank=True)
    """A sentence for callers that says what to use instead, or null."""
    deprecated_at = models.DateTimeField(null=True, blank=True)
    replacement = models.CharField(max_length=128, null=True, blank=True)
    """The alias to use instead, by its name; publishing checks that it is there."""
    sunset_at = models.DateTimeField(null=True, blank=True)
    after_sunset = models.CharField(
        max_length=8, choices=AfterSunset, default=AfterSunset.ANSWER, db_default=AfterSunset.ANSWER
    )

    canary_model = models.ForeignKey(
        LanguageModel, null=True, blank=True, on_delete=models.PROTECT, related_name="canary_of"
    )
    canary_percent = models.FloatField(null=True, blank=True)
    """How many of a hundred calls try the canary first."""
    canary_params = models.JSONField(null=True, blank=True)
    canary_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "aliases"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="alias_has_name"),
            models.CheckConstraint(condition=Q(strategy__in=Strategy.values), name="alias_strategy_known"),
            models.CheckConstraint(condition=Q(after_sunset__in=AfterSunset.values), name="alias_after_sunset_known"),
            models.CheckConstraint(
                condition=Q(canary_model__isnull=True, canary_percent__isnull=True, canary_since__isnull=True)
                | Q(
                    canary_model__isnull=False, canary_percent__gt=0, canary_percent__lt=100, canary_since__isnull=False
                ),
                name="alias_canary_whole_or_none",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def dependent_name(self) -> str:
        return f"alias {self.name}"

    @property
    def canary(self) -> dict[str, Any] | None:
        """The canary as the document writes it, or None."""
        if self.canary_model is None or self.canary_percent is None:
            return None
        return {
            "model": self.canary_model.full_name,
            "share_percent": plain_number(self.canary_percent),
            "params": self.canary_params or {},
            "since": write_time(self.canary_since),
        }


class Target(models.Model):
    """One place an alias may go. It is always a model."""

    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="targets")
    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="targets")
    position = models.PositiveSmallIntegerField()
    weight = models.PositiveSmallIntegerField(default=1)
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["alias", "position"]
        constraints = [
            models.UniqueConstraint(fields=["alias", "position"], name="target_position_unique"),
            models.UniqueConstraint(fields=["alias", "model"], name="target_model_once_an_alias"),
            models.CheckConstraint(condition=Q(weight__gte=0, weight__lte=1000), name="target_weight_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.alias} → {self.model}"

    @property
    def dependent_name(self) -> str:
        return f"alias {self.alias.name}"


class AgentMapping(ConfigRow):
    """Which agent type runs on which alias, with which parameters and headers."""

    name = models.CharField(max_length=128, unique=True, validators=[NAME])
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, related_name="agents")
    params = models.JSONField(default=dict, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    description = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="agent_has_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def dependent_name(self) -> str:
        return f"agent {self.name}"


class DefaultModel(models.Model):
    """What runs when a caller names nothing: one alias or one model. One row at most, so there is one default at most."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    alias = models.ForeignKey(Alias, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    model = models.ForeignKey(LanguageModel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=16, choices=Source, default=Source.UI)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="default_is_one_row"),
            models.CheckConstraint(
                condition=Q(alias__isnull=False, model__isnull=True) | Q(alias__isnull=True, model__isnull=False),
                name="default_is_alias_or_model",
            ),
        ]

    def __str__(self) -> str:
        return self.target_name

    @property
    def dependent_name(self) -> str:
        return "the default model"

    @property
    def target_name(self) -> str:
        return self.alias.name if self.alias else self.model.full_name if self.model else ""
