"""The same calls for every noun: list, create, show, replace, change, delete. A noun's module only declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.api.reading import etag_of, expected_revision, given_fields
from llmadmin.api.views import PAGED, RestView, actor_of, reason_of
from llmadmin.config.services import Change, change
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


class ConfigViewSet(RestView, GenericViewSet[Any]):
    """One noun of the configuration. Subclasses give the queryset, the serializer, and three acts over services."""

    noun: ClassVar[str]
    filters: ClassVar[Mapping[str, str]] = {}
    """Query parameter → look-up, for the list."""
    needs: ClassVar[dict[str, str]] = {"GET": CONFIG_VIEW, "*": CONFIG_EDIT}
    ordering: ClassVar[tuple[str, ...]]
    change_permission: ClassVar[str] = CONFIG_EDIT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.query_names = {"list": PAGED | cls.filters.keys(), **cls.query_names}

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
        """A page of them, in a fixed order. `next` leads on."""
        page = self.paginate_queryset(self.narrowed(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, **address: str) -> Response:
        """One, as it is now, with its ETag."""
        return self.shown(self.find(self._key(address)))

    @extend_schema(parameters=[REASON])
    def create(self, request: Request) -> Response:
        """What is left out takes its default."""
        fields = given_fields(self.get_serializer(), request.data)
        with self.changing(request) as made:
            row = self.perform_create(fields)
        return self.shown(row, made=made, status_code=status.HTTP_201_CREATED)

    @extend_schema(parameters=[IF_MATCH, REASON])
    def update(self, request: Request, **address: str) -> Response:
        """What is left out goes back to its default."""
        fields = given_fields(self.get_serializer(), request.data, fill=True)
        return self._save(request, address, fields)

    @extend_schema(parameters=[IF_MATCH, REASON])
    def partial_update(self, request: Request, **address: str) -> Response:
        """What is left out stays as it is."""
        return self._save(request, address, given_fields(self.get_serializer(), request.data))

    @extend_schema(parameters=[IF_MATCH, REASON])
    def destroy(self, request: Request, **address: str) -> Response:
        """Refused while something depends on it; the answer names what."""
        row = self.find(self._key(address))
        with self.changing(request) as made:
            self.perform_destroy(row, expected_revision=expected_revision(request, row))
        return Response(status=status.HTTP_204_NO_CONTENT, headers=version_header(made))

    def _save(self, request: Request, address: Mapping[str, str], fields: dict[str, Any]) -> Response:
        row = self.find(self._key(address))
        with self.changing(request) as made:
            row = self.perform_update(row, fields, expected_revision=expected_revision(request, row))
        return self.shown(row, made=made)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those that the query's filters let through."""
        given = {name: self.request.query_params.get(name) for name in self.filters}
        return rows.filter(**{self.filters[name]: value for name, value in given.items() if value})

    def changing(self, request: Request, *, permission: str | None = None) -> Any:
        """A `config.change` by whoever calls, with the reason they gave."""
        return change(
            by=actor_of(request),
            why=reason_of(request),
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


def version_header(made: Change | None) -> dict[str, str]:
    """The version, and how many sentences it has on what would not work: `versions/N/` says them."""
    if made is None:
        return {}
    warned = {"x-llmadmin-warnings": str(len(made.warnings))} if made.warnings else {}
    return {"x-llmadmin-config-version": str(made.version), **warned}
