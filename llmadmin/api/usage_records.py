"""How usage looks in JSON: a record as it is read, a record as it is reported, and sums."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from llmadmin.api.fields import AnyObject, Moment, MoneyText


class AttemptSerializer(serializers.Serializer[Any]):
    """One try at one target."""

    provider = serializers.CharField()
    model = serializers.CharField()
    key_id = serializers.UUIDField(allow_null=True)
    status = serializers.CharField()
    upstream_status = serializers.IntegerField(allow_null=True)
    error_class = serializers.CharField()
    started_at = Moment()
    latency_ms = serializers.FloatField()


class UsageRecordSerializer(serializers.Serializer[Any]):
    """One finished call. `cost_usd` is null where no price was known."""

    id = serializers.UUIDField()
    started_at = Moment()
    model = serializers.CharField(help_text="provider/name")
    alias = serializers.CharField()
    agent = serializers.CharField()
    service = serializers.CharField()
    status = serializers.CharField()
    settlement = serializers.CharField()
    user = serializers.CharField()
    error_class = serializers.CharField()
    http_status = serializers.IntegerField(allow_null=True)
    input_tokens = serializers.IntegerField()
    cached_input_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    cost_usd = MoneyText(allow_null=True)
    latency_ms = serializers.FloatField()
    ttft_ms = serializers.FloatField(allow_null=True)
    is_stream = serializers.BooleanField()
    side = serializers.CharField(required=False, help_text="canary or stable, where the alias had a canary.")
    tags = AnyObject()
    attempts = AttemptSerializer(many=True)


class ReportedAttemptSerializer(serializers.Serializer[Any]):
    """One try, as a service reports it."""

    model = serializers.CharField(help_text="provider/name")
    status = serializers.ChoiceField(["ok", "error", "cancelled"])
    provider = serializers.CharField(required=False)
    key_id = serializers.UUIDField(required=False, allow_null=True)
    upstream_status = serializers.IntegerField(required=False, allow_null=True, min_value=100, max_value=599)
    error_class = serializers.CharField(required=False, allow_null=True)
    started_at = Moment(required=False, allow_null=True)
    latency_ms = serializers.FloatField(required=False, allow_null=True, min_value=0)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One call",
            request_only=True,
            value={
                "id": "6f1c1b4e-8a51-4d3c-9d0e-5a3f2b7c9e10",
                "started_at": "2026-01-31T12:00:00Z",
                "model": "openai/gpt-4.1-mini",
                "alias": "fast",
                "status": "ok",
                "input_tokens": 812,
                "output_tokens": 96,
                "latency_ms": 940,
                "tags": {"tenant": "acme"},
            },
        )
    ]
)
class UsageReportSerializer(serializers.Serializer[Any]):
    """One finished call, as a service reports it. A cost that is left out is computed with the price of that moment."""

    id = serializers.UUIDField(required=False, allow_null=True, help_text="The same id twice counts once.")
    started_at = Moment(required=False, allow_null=True)
    model = serializers.CharField(help_text="provider/name")
    alias = serializers.CharField(required=False, allow_null=True)
    agent = serializers.CharField(required=False, allow_null=True)
    service = serializers.CharField(
        required=False, allow_null=True, help_text="Read past: it is always the service of the key."
    )
    status = serializers.ChoiceField(["ok", "recovered", "error", "cancelled", "truncated"], required=False)
    settlement = serializers.ChoiceField(["open", "final", "estimated", "aborted"], required=False)
    user = serializers.CharField(required=False, allow_null=True)
    error_class = serializers.CharField(required=False, allow_null=True)
    http_status = serializers.IntegerField(required=False, allow_null=True, min_value=100, max_value=599)
    input_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    cached_input_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    cache_write_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    output_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    reasoning_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    cost_usd = MoneyText(required=False, allow_null=True)
    latency_ms = serializers.FloatField(required=False, allow_null=True, min_value=0)
    ttft_ms = serializers.FloatField(required=False, allow_null=True, min_value=0)
    is_stream = serializers.BooleanField(required=False, allow_null=True)
    side = serializers.ChoiceField(
        ["canary", "stable"],
        required=False,
        allow_null=True,
        help_text="Where the alias has a canary: which side answered first.",
    )
    tags = AnyObject(required=False, allow_null=True)
    attempts = ReportedAttemptSerializer(many=True, required=False, allow_null=True)


class AcceptedSerializer(serializers.Serializer[Any]):
    """What became of a report."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()


class SumsSerializer(serializers.Serializer[Any]):
    """Calls of one group, or of all."""

    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # an attribute of the framework's class
    recovered = serializers.IntegerField()
    unpriced_calls = serializers.IntegerField()
    cost_usd = MoneyText(allow_null=True)
    input_tokens = serializers.IntegerField()
    cached_input_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    latency_ms_p50 = serializers.FloatField(allow_null=True)
    latency_ms_p95 = serializers.FloatField(allow_null=True)
    latency_ms_p99 = serializers.FloatField(allow_null=True)


class GroupSerializer(SumsSerializer):
    """The sums of one group; only what `group_by` named is there beside them."""

    hour = serializers.CharField(required=False)
    day = serializers.CharField(required=False)
    month = serializers.CharField(required=False)
    provider = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    alias = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    service = serializers.CharField(required=False)
    team = serializers.CharField(required=False)
    status = serializers.CharField(required=False)
    error_class = serializers.CharField(required=False)


class SummarySerializer(serializers.Serializer[Any]):
    """Each group, and all of them together."""

    results = GroupSerializer(many=True)
    total = SumsSerializer()
