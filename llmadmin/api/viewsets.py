"""The same five calls for every noun: list, one, create, replace or change, delete. A noun's module only declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.audit.actor import Actor
from llmadmin.config.services import Change, change
from llmadmin.core.errors import InvalidError, StaleError
from llmadmin.core.fields import ConfigRow

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you read; when it changed meanwhile: 412, and nothing is written.",
)
REASON = OpenApiParameter(
    "X-Change-Reason", str, OpenApiParameter.HEADER, description="Why, for the version and the audit log."
)


class ConfigViewSet(GenericViewSet[Any]):
    """One noun of the configuration. Subclasses give the queryset, the serializer, and three acts over services."""

    needs: ClassVar[dict[str, str]] = {"GET": CONFIG_VIEW, "*": CONFIG_EDIT}
    ordering: ClassVar[tuple[str, ...]]
    change_permission: ClassVar[str] = CONFIG_EDIT

    def find(self, key: str) -> Any:
        """The object that the address names. Raises MissingError."""
        raise NotImplementedError

    def perform_create(self, fields: dict[str, Any]) -> Any:
        raise NotImplementedError

    def perform_update(self, row: Any, fields: dict[str, Any], *, expected_revision: int | None) -> Any:
        raise NotImplementedError

    def perform_destroy(self, row: Any, *, expected_revision: int | None) -> None:
        raise NotImplementedError

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, **address: str) -> Response:
        return self.shown(self.find(self._key(address)))

    @extend_schema(parameters=[REASON])
    def create(self, request: Request) -> Response:
        fields = given_fields(self.get_serializer(), request.data)
        with self.changing(request) as made:
            row = self.perform_create(fields)
        return self.shown(row, made=made, status_code=status.HTTP_201_CREATED)

    @extend_schema(parameters=[IF_MATCH, REASON])
    def update(self, request: Request, **address: str) -> Response:
        fields = given_fields(self.get_serializer(), request.data, fill=True)
        return self._save(request, address, fields)

    @extend_schema(parameters=[IF_MATCH, REASON])
    def partial_update(self, request: Request, **address: str) -> Response:
        return self._save(request, address, given_fields(self.get_serializer(), request.data))

    @extend_schema(parameters=[IF_MATCH, REASON])
    def destroy(self, request: Request, **address: str) -> Response:
        row = self.find(self._key(address))
        with self.changing(request) as made:
            self.perform_destroy(row, expected_revision=expected_revision(request))
        return Response(status=status.HTTP_204_NO_CONTENT, headers=version_header(made))

    def _save(self, request: Request, address: Mapping[str, str], fields: dict[str, Any]) -> Response:
        row = self.find(self._key(address))
        with self.changing(request) as made:
            row = self.perform_update(row, fields, expected_revision=expected_revision(request))
        return self.shown(row, made=made)

    def changing(self, request: Request, *, permission: str | None = None) -> Any:
        """A `config.change` by whoever calls, with the reason they gave."""
        return change(
            by=actor_of(request),
            why=request.headers.get("X-Change-Reason", ""),
            permission=permission or self.change_permission,
        )

    def shown(self, row: Any, *, made: Change | None = None, status_code: int = status.HTTP_200_OK) -> Response:
        """The object as JSON, with its ETag, and after a change the version that it led to."""
        fresh = self.find(self._key_of(row)) if made is not None else row
        headers = {"ETag": etag_of(fresh)} if isinstance(fresh, ConfigRow) else {}
        return Response(self.get_serializer(fresh).data, status=status_code, headers=headers | version_header(made))

    def _key(self, address: Mapping[str, str]) -> str:
        return address[self.lookup_url_kwarg or self.lookup_field]

    def _key_of(self, row: Any) -> str:
        return str(getattr(row, self.lookup_field))


def actor_of(request: Request) -> Actor:
    """Whoever calls, as `authentication` found them."""
    actor: Actor = request.auth
    return actor


def given_fields(serializer: serializers.BaseSerializer[Any], data: Any, *, fill: bool = False) -> dict[str, Any]:
    """The writable fields of a body. Read-only ones may come along, as they do when an object is sent back; unknown ones are refused.

    With `fill`, as PUT means it, a missing field takes its default and a missing required one is an error. What the
    values may be is checked by the services.
    """
    if isinstance(data, QueryDict) or not isinstance(data, Mapping):
        raise InvalidError("Send a JSON object.", fields={"body": "Send a JSON object."})
    known: Mapping[str, serializers.Field[Any, Any, Any, Any]] = serializer.fields  # type: ignore[attr-defined]
    unknown = sorted(str(name) for name in data if name not in known)
    if unknown:
        raise InvalidError(
            f"Unknown: {', '.join(unknown[:5])}. The fields are {', '.join(known)}.",
            fields=dict.fromkeys(unknown[:20], "There is no such field."),
        )
    given = {name: data[name] for name, field in known.items() if name in data and not field.read_only}
    missing = {}
    for name, field in known.items():
        if field.read_only or name in given:
            continue
        if field.required and (fill or serializer.context["view"].action == "create"):
            missing[name] = "Is needed."
        elif fill and field.default is not empty:
            given[name] = field.default() if callable(field.default) else field.default
    if missing:
        raise InvalidError(f"{', '.join(missing)}: needed.", fields=missing)
    return given


def etag_of(row: ConfigRow) -> str:
    return f'"{row.revision}"'


def expected_revision(request: Request) -> int | None:
    """The revision that `If-Match` names, or None where anything goes."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    text = header.removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit():
        raise StaleError(
            f"If-Match: {header} is no ETag of this object. Read it again and send the ETag that comes with it."
        )
    return int(text)


def version_header(made: Change | None) -> dict[str, str]:
    return {"x-llmadmin-config-version": str(made.version)} if made is not None else {}
