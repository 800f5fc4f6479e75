"""`audit/`: who did what. Append-only, so it can only be read."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import AUDIT_EXPORT, SERVICES_MANAGE, require
from llmadmin.api.fields import AnyObject, Moment
from llmadmin.api.views import PAGED, RestView, actor_of, flag_of, moment_of
from llmadmin.audit.exporting import FORMATS, begin_export
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import ORDER, EntryFilter, search
from llmadmin.core.errors import InvalidError

_TEXTS = ("object", "name", "action", "by", "request_id")
"""Query parameters that are compared as they are; they are called as in the answer."""
_SPAN = {"from": "Inclusive, UTC.", "to": "Exclusive, UTC."}
_FILTERS = [
    *(OpenApiParameter(name, str) for name in _TEXTS),
    *(OpenApiParameter(name, OpenApiTypes.DATETIME, description=words) for name, words in _SPAN.items()),
    OpenApiParameter("version", int, description="The version that the act led to."),
    OpenApiParameter("refused", bool, description="1: what was refused; 0: what was done."),
]
_NAMES = frozenset(parameter.name for parameter in _FILTERS)


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
    query_names = {"list": PAGED | _NAMES, "export": _NAMES | {"as"}}
    serializer_class = AuditEntrySerializer
    needs = {"GET": SERVICES_MANAGE}
    ordering = ORDER
    queryset = AuditEntry.objects.none()

    @extend_schema(parameters=_FILTERS)
    def list(self, request: Request) -> Response:
        """Entries, newest first."""
        page = self.paginate_queryset(search(_wanted(request)))
        return self.get_paginated_response(AuditEntrySerializer(page, many=True).data)

    @extend_schema(
        parameters=[*_FILTERS, OpenApiParameter("as", str, enum=[*FORMATS], description="jsonl unless given.")],
        responses={(200, kind.partition(";")[0]): OpenApiTypes.STR for kind in FORMATS.values()},
    )
    @action(detail=False, pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """All entries that the filters ask for, as a file of any length. It is audited itself."""
        actor = actor_of(request)
        require(actor, AUDIT_EXPORT)
        form = request.query_params.get("as", "jsonl")
        pieces = begin_export(_wanted(request), form=form, by=actor)
        return StreamingHttpResponse(pieces, content_type=FORMATS[form], headers={"Cache-Control": "no-store"})


def _wanted(request: Request) -> EntryFilter:
    """What the query asks for. Raises InvalidError."""
    given = request.query_params
    version = given.get("version", "")
    if version and not (version.isascii() and version.isdigit() and len(version) < 10):
        raise InvalidError.of(version="Give the number of a version.")
    return EntryFilter(
        by=given.get("by", ""),
        object=given.get("object", ""),
        name=given.get("name", ""),
        action=given.get("action", ""),
        request_id=given.get("request_id", ""),
        version=int(version) if version else None,
        refused=flag_of(request, "refused") if "refused" in given else None,
        from_at=moment_of(request, "from"),
        to_at=moment_of(request, "to"),
    )
