"""`usage/` and `usage/summary/`: what services report, and what it all adds up to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import USAGE_VIEW
from llmadmin.api.authentication import ServiceCaller
from llmadmin.api.permissions import require_scope
from llmadmin.api.usage_records import (
    AcceptedSerializer,
    SummarySerializer,
    UsageRecordSerializer,
    UsageReportSerializer,
)
from llmadmin.api.views import PAGED, RestView, actor_of, moment_of
from llmadmin.core.errors import ForbiddenError
from llmadmin.usage.models import Attempt, UsageRecord
from llmadmin.usage.selectors import record_json, records, summary
from llmadmin.usage.selectors.records import STATEMENT_LIMIT_MS, statement_limit
from llmadmin.usage.selectors.summary import GROUPS, INTERVALS
from llmadmin.usage.services import ingest

_GROUPED = ("provider", "model", "alias", "agent", "service", "team", "status", "error_class")
_FILTERS = (*_GROUPED, "settlement", "user")
_ATTEMPTS = Prefetch("attempts", queryset=Attempt.objects.order_by("position"))
_SPAN = frozenset({"from", "to"})


class UsageViewSet(RestView, GenericViewSet[UsageRecord]):
    noun = "usage record"
    query_names = {"list": PAGED | _SPAN | set(_FILTERS), "summary": _SPAN | {"group_by", "interval", *_GROUPED}}
    serializer_class = UsageRecordSerializer
    needs: ClassVar[dict[str, str]] = {"GET": USAGE_VIEW, "POST": "usage:write"}
    ordering = ("-started_at", "-id")
    queryset = UsageRecord.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Inclusive, UTC."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Exclusive, UTC."),
            *(OpenApiParameter(name, str) for name in _FILTERS),
        ]
    )
    def list(self, request: Request) -> Response:
        """Raw records, newest first."""
        found = records(from_at=moment_of(request, "from"), to_at=moment_of(request, "to"), **_filters(request))
        with statement_limit(STATEMENT_LIMIT_MS):
            page = self.paginate_queryset(found.prefetch_related(_ATTEMPTS)) or []
        return self.get_paginated_response([record_json(record) for record in page])

    @extend_schema(
        request=PolymorphicProxySerializer(
            "UsageReports",
            [UsageReportSerializer, UsageReportSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={200: AcceptedSerializer},
    )
    def create(self, request: Request) -> Response:
        """Report one record or up to 1,000; a repeated `id` counts once. All are stored or none."""
        caller = request.user
        if not isinstance(caller, ServiceCaller):
            raise ForbiddenError("Only a service reports usage: send its key.")
        require_scope(actor_of(request), "usage:write")
        stored = ingest(request.data, service=caller.name, team=caller.team)
        return Response({"accepted": stored.accepted, "duplicates": stored.duplicates})

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "group_by",
                str,
                description=f"One or more, with commas between: {', '.join(GROUPS)}.",
                examples=[OpenApiExample("Each model, each day", value="model,day")],
            ),
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Inclusive, UTC; 30 days ago unless told."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Exclusive, UTC; now unless told."),
            OpenApiParameter("interval", str, enum=[*INTERVALS]),
            *(OpenApiParameter(name, str) for name in _GROUPED),
        ],
        responses=SummarySerializer,
    )
    def summary(self, request: Request) -> Response:
        """Calls, errors, meters, cost and percentiles by the given groups, and their total."""
        now = dt.datetime.now(dt.UTC)
        group_by = [name.strip() for name in request.query_params.get("group_by", "").split(",") if name.strip()]
        found: Mapping[str, Any] = summary(
            from_at=moment_of(request, "from") or now - dt.timedelta(days=30),
            to_at=moment_of(request, "to") or now,
            group_by=group_by,
            interval=request.query_params.get("interval") or None,
            filters=_filters(request),
        )
        return Response(found)


def _filters(request: Request) -> dict[str, str]:
    return {name: request.query_params[name] for name in _FILTERS if request.query_params.get(name)}
