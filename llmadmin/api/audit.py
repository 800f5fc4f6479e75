"""`audit/`: who did what. Append-only, so it can only be read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.api.fields import AnyObject, Moment
from llmadmin.api.views import PAGED, RestView
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import entries

_FILTERS = {"object": "object_type", "name": "object_name", "action": "action", "by": "actor_label"}
"""Query parameter → column; they are called as in the answer."""


class AuditEntrySerializer(serializers.Serializer[Any]):
    """One act: who, what, before and after, when, from where."""

    id = serializers.IntegerField()
    at = Moment()
    by = serializers.CharField(source="actor_label")
    kind = serializers.CharField(source="actor_kind")
    action = serializers.CharField()
    object = serializers.CharField(source="object_type")
    name = serializers.CharField(source="object_name")
    before = AnyObject(allow_null=True)
    after = AnyObject(allow_null=True)
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # an attribute of the framework's class
    request_id = serializers.CharField()
    ip_address = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    was_refused = serializers.BooleanField()


class AuditViewSet(RestView, GenericViewSet[AuditEntry]):
    noun = "audit entry"
    query_names = {"list": PAGED | _FILTERS.keys()}
    serializer_class = AuditEntrySerializer
    needs = {"GET": SERVICES_MANAGE}
    ordering = ("-id",)
    queryset = AuditEntry.objects.none()

    @extend_schema(parameters=[OpenApiParameter(name, str) for name in _FILTERS])
    def list(self, request: Request) -> Response:
        """Entries, newest first."""
        wanted = {column: request.query_params.get(name) for name, column in _FILTERS.items()}
        page = self.paginate_queryset(entries(**wanted))
        return self.get_paginated_response(AuditEntrySerializer(page, many=True).data)
