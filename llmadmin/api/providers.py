"""`providers/`: the companies and servers that we call."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from llmadmin.api.fields import AnyObject, Row, TextsByName, example
from llmadmin.api.viewsets import REASON, ConfigViewSet, version_header
from llmadmin.catalog import services
from llmadmin.catalog.fields import FieldError, model_name
from llmadmin.catalog.models import Provider
from llmadmin.catalog.selectors import get_provider, models_of, providers
from llmadmin.gateway.checks import check_provider, listed_by_provider
from providers.types import HealthReport

MAX_SYNCED = 2_000


@example(
    "A server that speaks OpenAI's dialect",
    {"slug": "lab", "kind": "local", "base_url": "http://127.0.0.1:9000/v1", "timeout_s": 60},
)
class ProviderSerializer(Row):
    """A provider. `base_url` left empty means the vendor's own address."""

    slug = serializers.CharField()
    kind = serializers.CharField(help_text="The provider folder that speaks to it, such as openai or local.")
    label = serializers.CharField(required=False, default="")  # type: ignore[assignment]  # an attribute of the framework's class
    base_url = serializers.CharField(required=False, default="")
    default_model = serializers.CharField(required=False, default="")
    timeout_s = serializers.FloatField(required=False, default=60)
    max_retries = serializers.IntegerField(required=False, default=2)
    headers = TextsByName(required=False, default=dict)
    options = AnyObject(required=False, default=dict)
    enabled = serializers.BooleanField(required=False, default=True)


HealthSerializer = inline_serializer(
    "ProviderHealth",
    {
        "is_healthy": serializers.BooleanField(),
        "step": serializers.CharField(
            help_text="ok, or what failed: address, dns, refused, tls, timeout, key, model, upstream."
        ),
        "message": serializers.CharField(),
        "latency_ms": serializers.FloatField(),
    },
)


def health_json(report: HealthReport) -> dict[str, Any]:
    """What a test of a provider or of a key answers."""
    return {
        "is_healthy": report.is_healthy,
        "step": report.step,
        "message": report.message,
        "latency_ms": round(report.latency_ms, 1),
    }


class ProviderViewSet(ConfigViewSet):
    noun = "provider"
    serializer_class = ProviderSerializer
    lookup_field = "slug"
    ordering = ("slug",)
    queryset = Provider.objects.none()

    def get_queryset(self) -> Any:
        return providers()

    def find(self, key: str) -> Provider:
        return get_provider(key)

    def perform_create(self, fields: dict[str, Any]) -> Provider:
        return services.create_provider(source="api", **fields)

    def perform_update(self, row: Provider, fields: dict[str, Any], *, expected_revision: int | None) -> Provider:
        return services.update_provider(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: Provider, *, expected_revision: int | None) -> None:
        services.delete_provider(row, expected_revision=expected_revision)

    @extend_schema(request=None, responses=HealthSerializer)
    @action(detail=True, methods=["post"], url_path="test")
    def test(self, request: Request, slug: str) -> Response:
        """Ask the provider something that costs nothing, and say which step fails, if one does."""
        return Response(health_json(async_to_sync(check_provider)(get_provider(slug))))

    @extend_schema(
        request=None,
        parameters=[REASON],
        responses=inline_serializer(
            "SyncedModels",
            {"added": serializers.ListField(child=serializers.CharField()), "known": serializers.IntegerField()},
        ),
    )
    @action(detail=True, methods=["post"], url_path="sync-models")
    def sync_models(self, request: Request, slug: str) -> Response:
        """Add the models that the provider lists and that are not here yet. None is changed or removed."""
        provider = get_provider(slug)
        offered = {info.name for info in async_to_sync(listed_by_provider)(provider)}
        with self.changing(request) as made:
            there = set(models_of(provider).values_list("name", flat=True))
            added = sorted(name for name in offered - there if _is_model_name(name))[:MAX_SYNCED]
            for name in added:
                services.create_model(provider, name=name, source="api")
        body = {"added": [f"{slug}/{name}" for name in added], "known": len(there)}
        return Response(body, headers=version_header(made))


def _is_model_name(name: str) -> bool:
    """Whether it may be a model's name here: what a vendor lists is not under our control."""
    try:
        return bool(model_name(name))
    except FieldError:
        return False
