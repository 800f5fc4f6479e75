"""What was called, what it cost, where it failed: raw records, their attempts, and the hourly rollup that pages read.

Names are kept as text, not as foreign keys: a record outlives the provider, the alias and the service that it speaks of.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from llmadmin.usage.money import ExactMoneyField


class Status(models.TextChoices):
    """How the caller saw the call end. `RECOVERED` means: answered, after a retry or a fallback."""

    OK = "ok", "OK"
    RECOVERED = "recovered", "Recovered"
    ERROR = "error", "Error"
    CANCELLED = "cancelled", "Cancelled"
    TRUNCATED = "truncated", "Truncated"


class Settlement(models.TextChoices):
    """How sure the meters are: still running, the vendor's own count, our estimate, or cut short."""

    OPEN = "open", "Open"
    FINAL = "final", "Final"
    ESTIMATED = "estimated", "Estimated"
    ABORTED = "aborted", "Aborted"


class Side(models.TextChoices):
    """On which side of its alias's canary a call was."""

    CANARY = "canary", "Canary"
    STABLE = "stable", "Stable"


class Meters(models.Model):
    """The five disjoint token meters."""

    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_input_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class UsageRecord(Meters):
    """One finished call. `cost_usd` is null when no price was known, never 0 for that reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField()
    origin = models.CharField(max_length=16, default="gateway")
    """`gateway`, `playground`, `reported` or `seed`."""
    requested = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=63, blank=True)
    model = models.CharField(max_length=264, blank=True)
    """`provider/name` of the target that answered, or the last one tried."""
    alias = models.CharField(max_length=128, blank=True)
    agent = models.CharField(max_length=128, blank=True)
    service = models.CharField(max_length=63, blank=True)
    team = models.CharField(max_length=63, blank=True)
    user = models.CharField(max_length=200, blank=True)
    key_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status)
    settlement = models.CharField(max_length=16, choices=Settlement)
    error_class = models.CharField(max_length=32, blank=True)
    error_message = models.CharField(max_length=1000, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    cost_usd = ExactMoneyField(null=True, blank=True)
    rates = models.JSONField(null=True, blank=True)
    """The prices that the cost was computed with, so that it can be checked later."""
    latency_ms = models.FloatField(default=0)
    ttft_ms = models.FloatField(null=True, blank=True)
    is_stream = models.BooleanField(default=False)
    is_cache_hit = models.BooleanField(default=False)
    endpoint = models.CharField(max_length=32, default="chat")
    finish_reason = models.CharField(max_length=16, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=1)
    fallback_count = models.PositiveSmallIntegerField(default=0)
    config_version = models.PositiveIntegerField(null=True, blank=True)
    side = models.CharField(max_length=8, choices=Side, null=True, blank=True)
    """The side of the alias's canary, null where it had none: the model alone can't say it, since a canary that fails is
    answered by another target, and may differ from the others by its parameters only."""
    request_id = models.CharField(max_length=64, blank=True)
    tags = models.JSONField(default=dict, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="usage_by_time"),
            models.Index(fields=["service", "-started_at"], name="usage_by_service"),
            models.Index(fields=["model", "-started_at"], name="usage_by_model"),
            models.Index(fields=["-started_at"], condition=~Q(error_class=""), name="usage_failed"),
            models.Index(
                fields=["alias", "side", "-started_at"], condition=Q(side__isnull=False), name="usage_by_side"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_usd__gte=0) | Q(cost_usd__isnull=True), name="usage_cost_not_negative"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="usage_status_known"),
            models.CheckConstraint(condition=Q(settlement__in=Settlement.values), name="usage_settlement_known"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.status}"


class Attempt(models.Model):
    """One try at one target, with the upstream's own status and words."""

    record = models.ForeignKey(UsageRecord, on_delete=models.CASCADE, related_name="attempts")
    position = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=63)
    model = models.CharField(max_length=264)
    key_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=16)
    """`ok`, `error` or `cancelled`."""
    upstream_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_class = models.CharField(max_length=32, blank=True)
    message = models.CharField(max_length=1000, blank=True)
    upstream_request_id = models.CharField(max_length=128, blank=True)
    started_at = models.DateTimeField()
    latency_ms = models.FloatField(default=0)
    ttft_ms = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["record", "position"]
        constraints = [models.UniqueConstraint(fields=["record", "position"], name="attempt_position_unique")]

    def __str__(self) -> str:
        return f"{self.model} {self.status}"


class UsageHour(Meters):
    """One UTC hour of one combination of dimensions. Replaced whole when the hour is rolled up again."""

    hour = models.DateTimeField()
    provider = models.CharField(max_length=63, blank=True)
    model = models.CharField(max_length=264, blank=True)
    alias = models.CharField(max_length=128, blank=True)
    agent = models.CharField(max_length=128, blank=True)
    service = models.CharField(max_length=63, blank=True)
    team = models.CharField(max_length=63, blank=True)
    key_id = models.CharField(max_length=36, blank=True)
    """Text and empty rather than null, since a unique constraint tells two nulls apart."""
    status = models.CharField(max_length=16)
    error_class = models.CharField(max_length=32, blank=True)
    calls = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveBigIntegerField(default=0)
    fallbacks = models.PositiveBigIntegerField(default=0)
    cache_hits = models.PositiveBigIntegerField(default=0)
    unpriced_calls = models.PositiveBigIntegerField(default=0)
    unpriced_tokens = models.PositiveBigIntegerField(default=0)
    """All meters of the unpriced calls together, so that a cost per token leaves them out."""
    cost_usd = ExactMoneyField(default=0)
    latency_histogram = models.JSONField(default=dict)
    """`{bucket: calls}`; buckets are those of `llmadmin.usage.histogram`, so that any hours merge."""
    ttft_histogram = models.JSONField(default=dict)

    class Meta:
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "hour",
                    "provider",
                    "model",
                    "alias",
                    "agent",
                    "service",
                    "team",
                    "key_id",
                    "status",
                    "error_class",
                ],
                name="usage_hour_unique",
            ),
            models.CheckConstraint(condition=Q(cost_usd__gte=0), name="usage_hour_cost_not_negative"),
        ]
        indexes = [
            models.Index(fields=["hour", "provider", "model"], name="usage_hour_by_model"),
            models.Index(fields=["alias", "hour"], name="usage_hour_by_alias"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} {self.model}"


class AttemptHour(models.Model):
    """One UTC hour of tries at one target: what the provider itself did, also where a retry or a fallback absorbed it.

    A try belongs to the hour in which its call began, so that both rollups of an hour speak of the same calls.
    """

    hour = models.DateTimeField()
    provider = models.CharField(max_length=63, blank=True)
    model = models.CharField(max_length=264, blank=True)
    key_id = models.CharField(max_length=36, blank=True)
    status = models.CharField(max_length=16)
    error_class = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveBigIntegerField(default=0)
    absorbed = models.PositiveBigIntegerField(default=0)
    """Failed tries of calls that were answered all the same."""
    quarters = models.JSONField(default=list)
    """Tries in each quarter of the hour, four numbers, for the cells of the health strip."""
    latency_histogram = models.JSONField(default=dict)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    example = models.CharField(max_length=300, blank=True)
    """The vendor's words of the last failure."""
    example_record_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "provider", "model", "key_id", "status", "error_class"], name="attempt_hour_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} {self.model} {self.status}"


class StaleHour(models.Model):
    """An hour that has records which its rollup does not know yet. Written with the records, removed by the rollup."""

    hour = models.DateTimeField(primary_key=True)
    marked_at = models.DateTimeField()
    mark = models.BigIntegerField()
    """Drawn anew by every writer; a rollup removes only the mark that it saw before it read the records."""

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"
