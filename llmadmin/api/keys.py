"""`keys/`: the providers' keys. Plaintext goes in and never comes out."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from llmadmin.accounts.permissions import CONFIG_EDIT, SECRETS_WRITE
from llmadmin.api.fields import Moment, Row, Texts, example
from llmadmin.api.key_rotation import KeyRotationActions, with_moment
from llmadmin.api.providers import HealthSerializer, health_json
from llmadmin.api.reading import expected_revision
from llmadmin.api.viewsets import IF_MATCH, REASON, ConfigViewSet
from llmadmin.catalog.selectors import get_provider
from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.gateway.checks import check_provider
from llmadmin.vault import services
from llmadmin.vault.models import ApiKey
from llmadmin.vault.selectors import get_key, keys


@example("A key", {"provider": "openai", "label": "prod", "api_key": "the key that the provider gave you"})
class ApiKeySerializer(Row):
    """A key by its last four characters and its fingerprint. Left out of a change, `api_key` keeps what is stored."""

    id = serializers.UUIDField(read_only=True)
    provider = serializers.CharField(source="provider.slug")
    label = serializers.CharField()  # type: ignore[assignment]  # the framework's class has an attribute of that name
    environment = serializers.CharField(required=False, default="production")
    api_key = serializers.CharField(
        write_only=True, required=False, help_text="Needed for a new key; left out of a change, the stored one is kept."
    )
    last4 = serializers.CharField(read_only=True)
    fingerprint = serializers.CharField(read_only=True)
    source_ref = serializers.CharField(
        required=False,
        default="",
        help_text="In place of api_key: env:NAME or file:/path on the server, where LLMADMIN_KEY_SOURCES allows it.",
    )
    weight = serializers.IntegerField(required=False, default=1)
    allowed_models = Texts(
        required=False, default=list, help_text="Names of the provider's models that it is for; empty means all."
    )
    calls_per_minute = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="At this limit the gateway passes it over for another key.",
    )
    tokens_per_minute = serializers.IntegerField(required=False, allow_null=True, default=None)
    state = serializers.CharField(
        required=False, help_text="active, draining, disabled or failed; locked is read only."
    )
    state_reason = serializers.CharField(read_only=True)
    expires_at = Moment(required=False, allow_null=True, default=None)
    last_used_at = Moment(read_only=True, allow_null=True)
    last_error = serializers.CharField(read_only=True)
    last_error_at = Moment(read_only=True, allow_null=True)


class ApiKeyViewSet(KeyRotationActions, ConfigViewSet):
    serializer_class = ApiKeySerializer
    noun = "API key"
    filters = {"provider": "provider__slug", "state": "state", "environment": "environment"}
    needs = {"GET": CONFIG_EDIT, "*": SECRETS_WRITE}
    change_permission = SECRETS_WRITE
    lookup_field = "id"
    ordering = ("provider__slug", "label", "id")
    queryset = ApiKey.objects.none()

    def get_queryset(self) -> Any:
        return keys()

    def find(self, key: str) -> ApiKey:
        return get_key(key)

    def perform_create(self, fields: dict[str, Any]) -> ApiKey:
        state = fields.pop("state", None)
        if not fields.get("api_key") and not fields.get("source_ref"):
            raise InvalidError.of(api_key="Paste the key that the provider gave you.")
        try:
            provider = get_provider(fields.pop("provider"))
        except MissingError as missing:
            raise InvalidError.of(provider=missing.message) from None
        key = services.add_key(provider, source="api", **with_moment(fields))
        return services.set_state(key, state) if state and state != key.state else key

    def perform_update(self, row: ApiKey, fields: dict[str, Any], *, expected_revision: int | None) -> ApiKey:
        state = fields.pop("state", None)
        if fields.pop("provider", row.provider.slug) != row.provider.slug:
            raise InvalidError.of(provider="A key stays with its provider. Add it to the other one instead.")
        if not fields.get("source_ref"):
            fields.pop("source_ref", None)  # as with api_key: empty keeps what is stored
        key = services.update_key(row, expected_revision=expected_revision, **with_moment(fields))
        return services.set_state(key, state) if state and state != key.state else key

    def perform_destroy(self, row: ApiKey, *, expected_revision: int | None) -> None:
        services.delete_key(row, expected_revision=expected_revision)

    @extend_schema(
        request=inline_serializer("NewApiKey", {"api_key": serializers.CharField()}),
        parameters=[IF_MATCH, REASON],
        responses=ApiKeySerializer,
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's own word
        """Put another key in this one's place."""
        fields = request.data
        if not isinstance(fields, dict) or set(fields) != {"api_key"} or not isinstance(fields["api_key"], str):
            raise InvalidError.of(api_key="Send the new key as api_key, and nothing else.")
        row = get_key(id)
        with self.changing(request) as made:
            row = services.rotate_key(row, api_key=fields["api_key"], expected_revision=expected_revision(request, row))
        return self.shown(row, made=made)

    @extend_schema(request=None, responses=HealthSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, id: str) -> Response:  # noqa: A002
        """Ask the provider something that costs nothing with this very key."""
        row = get_key(id)
        return Response(health_json(async_to_sync(check_provider)(row.provider, key=row)))
