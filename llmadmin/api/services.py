"""`services/` and `services/{name}/keys/`: programs of ours, and the keys that they knock with."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from llmadmin.accounts import services as accounts
from llmadmin.accounts.models import Service, ServiceKey
from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.accounts.selectors import get_service, get_service_key, services
from llmadmin.api.fields import Moment, Row, Texts, example
from llmadmin.api.reading import given_fields, given_moment
from llmadmin.api.viewsets import REASON, ConfigViewSet, version_header
from llmadmin.core.errors import MissingError

DAY_S = 24 * 3600


class ServiceKeySerializer(serializers.Serializer[Any]):
    """A service key. Its plaintext is in `key` of the answer that made it, and nowhere else."""

    id = serializers.UUIDField(read_only=True)
    label = serializers.CharField(required=False, default="")  # type: ignore[assignment]  # an attribute of the framework's class
    last4 = serializers.CharField(read_only=True)
    created_at = Moment(read_only=True)
    expires_at = Moment(required=False, allow_null=True, default=None)
    revoked_at = Moment(read_only=True, allow_null=True)
    last_used_at = Moment(read_only=True, allow_null=True)


class ServiceKeysSerializer(serializers.Serializer[Any]):
    """All keys of a service; they come on one page."""

    results = ServiceKeySerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


@example(
    "A service that calls and reports",
    {"name": "batch", "scopes": ["config:read", "gateway:call", "usage:write"], "aliases": ["safe"], "team": "data"},
)
class ServiceSerializer(Row):
    """A program of ours. `aliases` limits what it may call; empty means everything."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField()
    description = serializers.CharField(required=False, default="")
    team = serializers.CharField(
        source="team.slug", required=False, allow_null=True, default=None, help_text="The team's slug."
    )
    scopes = Texts()
    aliases = Texts(required=False, default=list)
    enabled = serializers.BooleanField(required=False, default=True)
    keys = ServiceKeySerializer(many=True, read_only=True)


class ServiceKeyRotationSerializer(serializers.Serializer[Any]):
    """How long the old key goes on opening."""

    grace_s = serializers.IntegerField(required=False, default=DAY_S, min_value=0, max_value=accounts.MAX_GRACE_S)


ISSUED = inline_serializer("IssuedServiceKey", {"key": serializers.CharField(), "service_key": ServiceKeySerializer()})


class ServiceViewSet(ConfigViewSet):
    noun = "service"
    serializer_class = ServiceSerializer
    needs = {"*": SERVICES_MANAGE}
    change_permission = SERVICES_MANAGE
    lookup_field = "name"
    ordering = ("name",)
    queryset = Service.objects.none()

    def get_queryset(self) -> Any:
        return services()

    def find(self, key: str) -> Service:
        return found_service(key)

    def perform_create(self, fields: dict[str, Any]) -> Service:
        enabled = fields.pop("enabled", True)
        service = accounts.create_service(source="api", **fields)
        return service if enabled else accounts.update_service(service, enabled=False)

    def perform_update(self, row: Service, fields: dict[str, Any], *, expected_revision: int | None) -> Service:
        return accounts.update_service(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: Service, *, expected_revision: int | None) -> None:
        accounts.delete_service(row, expected_revision=expected_revision)

    @extend_schema(methods=["get"], responses=ServiceKeysSerializer)
    @extend_schema(methods=["post"], request=ServiceKeySerializer, parameters=[REASON], responses={201: ISSUED})
    @action(detail=True, methods=["get", "post"], url_path="keys", pagination_class=None)
    def keys(self, request: Request, name: str) -> Response:
        """The service's keys; POST makes one and answers its plaintext this once."""
        service = found_service(name)
        if request.method == "GET":
            return Response(
                {"results": ServiceKeySerializer(service.keys.all(), many=True).data, "next": None, "previous": None}
            )
        fields = given_fields(ServiceKeySerializer(context={"view": self}), request.data or {})
        with self.changing(request) as made:
            key, plaintext = accounts.issue_key(
                service,
                label=fields.get("label", ""),
                expires_at=given_moment(fields.get("expires_at"), field="expires_at"),
            )
        return _issued(key, plaintext, version_header(made))

    @extend_schema(
        request=ServiceKeyRotationSerializer,
        parameters=[REASON],
        responses={201: ISSUED},
    )
    @action(detail=True, methods=["post"], url_path=r"keys/(?P<key_id>[0-9A-Fa-f-]{32,36})/rotate")
    def rotate_key(self, request: Request, name: str, key_id: str) -> Response:
        """A new key; the old one goes on opening for `grace_s` seconds."""
        grace_s = given_fields(ServiceKeyRotationSerializer(context={"view": self}), request.data).get("grace_s", DAY_S)
        key = _key_of(name, key_id)
        with self.changing(request) as made:
            new, plaintext = accounts.rotate_service_key(key, grace_s=int(grace_s))
        return _issued(new, plaintext, version_header(made))

    @extend_schema(parameters=[REASON], responses={204: None})
    @action(detail=True, methods=["delete"], url_path=r"keys/(?P<key_id>[0-9A-Fa-f-]{32,36})")
    def revoke_key(self, request: Request, name: str, key_id: str) -> Response:
        """The key opens nothing from now on."""
        key = _key_of(name, key_id)
        with self.changing(request) as made:
            accounts.revoke_key(key)
        return Response(status=status.HTTP_204_NO_CONTENT, headers=version_header(made))


def found_service(key: str) -> Service:
    """By name, or by number where no service has that name. Raises MissingError."""
    try:
        return get_service(key)
    except MissingError:
        is_number = key.isascii() and key.isdigit() and len(key) < 19
        found = services().filter(pk=int(key)).first() if is_number else None
        if found is None:
            raise
        return found


def _key_of(name: str, key_id: str) -> ServiceKey:
    key = get_service_key(key_id)
    if key.service != found_service(name):
        raise MissingError(f"{name} has no such key.")
    return key


def _issued(key: ServiceKey, plaintext: str, headers: dict[str, str]) -> Response:
    body = {"key": plaintext, "service_key": ServiceKeySerializer(key).data}
    return Response(body, status=status.HTTP_201_CREATED, headers=headers | {"Cache-Control": "no-store"})
