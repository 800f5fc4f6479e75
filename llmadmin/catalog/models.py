"""What can be called: providers, their models, and what those cost from when."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from llmadmin.core.fields import SLUG, ConfigRow, MoneyField


class Provider(ConfigRow):
    """A company or server that we call. `kind` is the provider folder that speaks to it."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    kind = models.CharField(max_length=63)
    label = models.CharField(max_length=120, blank=True)
    base_url = models.CharField(max_length=500, blank=True)
    """Empty means the default of the folder's metadata."""
    default_model = models.CharField(max_length=200, blank=True)
    timeout_s = models.FloatField(default=60)
    max_retries = models.PositiveSmallIntegerField(default=2)
    retry_delay_s = models.FloatField(default=0.5)
    retry_max_delay_s = models.FloatField(default=8)
    retry_on = models.JSONField(null=True, blank=True)
    """Error classes that are tried again at the same target, or null for what the errors say of themselves."""
    fallback_on = models.JSONField(null=True, blank=True)
    """Error classes that go on to the next target, or null for what the errors say of themselves."""
    headers = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(condition=Q(timeout_s__gt=0, timeout_s__lte=3600), name="provider_timeout_in_range"),
            models.CheckConstraint(condition=Q(max_retries__lte=10), name="provider_retries_in_range"),
            models.CheckConstraint(
                condition=Q(retry_delay_s__gte=0, retry_max_delay_s__gte=0, retry_max_delay_s__lte=600),
                name="provider_retry_delays_in_range",
            ),
            models.CheckConstraint(condition=~Q(slug=""), name="provider_has_slug"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        return self.label or self.slug


class LanguageModel(ConfigRow):
    """What a provider offers, under the vendor's own name; written `provider/name`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=200)
    api_url = models.CharField(max_length=500, blank=True)
    """Another path on the provider's own server; empty means the provider's `base_url`."""
    context_window = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    capabilities = models.JSONField(default=list, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    """Defaults for calls, such as `temperature`, and rules of the folder's `models.toml`."""
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["provider__slug", "name"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "name"], name="model_unique_at_provider"),
            models.CheckConstraint(condition=~Q(name=""), name="model_has_name"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.provider.slug}/{self.name}"

    @property
    def dependent_name(self) -> str:
        return f"model {self.full_name}"


class Price(ConfigRow):
    """US dollars for a million tokens of each meter, from a moment on. A missing meter falls back as `providers.cost` says."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="prices")
    effective_from = models.DateTimeField(default=timezone.now)
    input_usd_per_mtok = MoneyField(null=True, blank=True)
    cached_input_usd_per_mtok = MoneyField(null=True, blank=True)
    cache_write_usd_per_mtok = MoneyField(null=True, blank=True)
    output_usd_per_mtok = MoneyField(null=True, blank=True)
    reasoning_usd_per_mtok = MoneyField(null=True, blank=True)
    tiers = models.JSONField(default=list, blank=True)
    """Other rates above a prompt length: `[{"above_input_tokens": 200000, "input_usd_per_mtok": "6", …}]`."""

    class Meta:
        ordering = ["model", "-effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["model", "effective_from"], name="price_unique_at_moment"),
            models.CheckConstraint(
                condition=Q(input_usd_per_mtok__isnull=False) | Q(output_usd_per_mtok__isnull=False),
                name="price_names_a_rate",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{meter}__gte": 0}) | Q(**{f"{meter}__isnull": True}),
                    name=f"price_{meter.removesuffix('_usd_per_mtok')}_not_negative",
                )
                for meter in (
                    "input_usd_per_mtok",
                    "cached_input_usd_per_mtok",
                    "cache_write_usd_per_mtok",
                    "output_usd_per_mtok",
                    "reasoning_usd_per_mtok",
                )
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.effective_from:%Y-%m-%d}"
