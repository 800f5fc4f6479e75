"""`usage/` and `usage/summary/`: what services report, and what it all adds up to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import USAGE_VIEW
from llmadmin.api.authentication import ServiceCaller
from llmadmin.api.fields import AnyObject, Moment, MoneyText
from llmadmin.api.permissions import require_scope
from llmadmin.api.viewsets import actor_of
from llmadmin.catalog.fields import FieldError, moment
from llmadmin.core.errors import ForbiddenError, InvalidError
from llmadmin.usage.models import UsageRecord
from llmadmin.usage.selectors import record_json, records, summary
from llmadmin.usage.services import ingest

_FILTERS = ("provider", "model", "alias", "agent", "service", "status", "error_class", "settlement", "user")
_NOT_FILTERS = {"cursor", "page_size", "from", "to", "group_by", "interval", "format"}


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
    tags = AnyObject()
    attempts = AttemptSerializer(many=True)


class UsageViewSet(GenericViewSet[UsageRecord]):
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
        found = records(from_at=_moment(request, "from"), to_at=_moment(request, "to"), **_filters(request))
        page = self.paginate_queryset(found.prefetch_related("attempts"))
        return self.get_paginated_response([record_json(record) for record in page])

    @extend_schema(
        request=UsageRecordSerializer(many=True),
        responses=inline_serializer(
            "Accepted", {"accepted": serializers.IntegerField(), "duplicates": serializers.IntegerField()}
        ),
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
                description="One or more of hour, day, month, provider, model, alias, agent, service, …",
            ),
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Inclusive, UTC; 30 days ago unless told."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Exclusive, UTC; now unless told."),
            OpenApiParameter("interval", str, enum=["hour", "day", "month"]),
            *(OpenApiParameter(name, str) for name in _FILTERS[:7]),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def summary(self, request: Request) -> Response:
        """Calls, errors, meters, cost and percentiles by the given groups, and their total."""
        now = dt.datetime.now(dt.UTC)
        group_by = [name.strip() for name in request.query_params.get("group_by", "").split(",") if name.strip()]
        found: Mapping[str, Any] = summary(
            from_at=_moment(request, "from") or now - dt.timedelta(days=30),
            to_at=_moment(request, "to") or now,
            group_by=group_by,
            interval=request.query_params.get("interval") or None,
            filters=_filters(request),
        )
        return Response(found)


def _moment(request: Request, name: str) -> dt.datetime | None:
    text = request.query_params.get(name, "")
    try:
        # In an address "+" means a space, so a zone such as +01:00 arrives with one.
        return moment(text.replace(" ", "+")) if text else None
    except FieldError as problem:
        raise InvalidError.of(**{name: problem.sentence}) from None


def _filters(request: Request) -> dict[str, str]:
    unknown = [name for name in request.query_params if name not in _FILTERS and name not in _NOT_FILTERS]
    if unknown:
        raise InvalidError.of(**{unknown[0]: f"There is no such filter. Filter by {', '.join(_FILTERS)}, from and to."})
    return {name: request.query_params[name] for name in _FILTERS if request.query_params.get(name)}
