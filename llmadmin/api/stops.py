"""`stops/`: the switches that stop a provider, an API key, a service or everything, and let it run again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import CONFIG_VIEW, TRAFFIC_SWITCH
from llmadmin.api.fields import Moment, example
from llmadmin.api.reading import given_fields
from llmadmin.api.views import PAGED, RestView, actor_of, reason_of
from llmadmin.api.viewsets import REASON
from llmadmin.core.errors import InvalidError
from llmadmin.limits import services
from llmadmin.limits.models import Scope, Stop
from llmadmin.limits.selectors import get_stop, lifted_stops, stops_in_force


@example(
    "Stop one provider",
    {"scope": "provider", "target": "openai", "reason": "Wrong invoices", "lifted_by_role": "admin"},
)
class StopSerializer(serializers.Serializer[Any]):
    """One use of a switch; it is in force until `lifted_at`."""

    id = serializers.UUIDField(read_only=True)
    scope = serializers.CharField(help_text=", ".join(Scope.values))
    target = serializers.CharField(
        required=False,
        default="",
        help_text="A provider's slug, an API key's id or a service's name; empty for everything.",
    )
    name = serializers.CharField(source="label", read_only=True)
    reason = serializers.CharField(help_text="Callers read it in their error message.")
    lifted_by_role = serializers.CharField(
        required=False, default="editor", help_text="The least role that may let it run again: editor, admin or owner."
    )
    stopped_at = Moment(read_only=True)
    stopped_by = serializers.CharField(read_only=True)
    lifted_at = Moment(read_only=True, allow_null=True)
    lifted_by = serializers.CharField(read_only=True)


class StopViewSet(RestView, GenericViewSet[Stop]):
    noun = "stop"
    query_names = {"list": PAGED | {"lifted"}}
    serializer_class = StopSerializer
    needs = {"GET": CONFIG_VIEW, "*": TRAFFIC_SWITCH}
    ordering = ("-stopped_at", "-id")
    lookup_value_regex = "[0-9A-Fa-f-]{32,36}"
    queryset = Stop.objects.none()

    def list(self, request: Request) -> Response:
        """What is stopped now; with `?lifted=1` what was, the latest first."""
        wanted = request.query_params.get("lifted", "0")
        if wanted not in ("0", "1"):
            raise InvalidError.of(lifted="Give 0 or 1.")
        page = self.paginate_queryset(lifted_stops() if wanted == "1" else stops_in_force())
        return self.get_paginated_response(StopSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(StopSerializer(get_stop(pk)).data)

    def create(self, request: Request) -> Response:
        """Stop it, in every process within a second."""
        fields = given_fields(self.get_serializer(), request.data)
        stop = services.stop_traffic(fields.pop("scope"), fields.pop("target", ""), by=actor_of(request), **fields)
        return Response(StopSerializer(stop).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, parameters=[REASON])
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """Let it run again."""
        stop = services.lift_stop(get_stop(pk), by=actor_of(request), why=reason_of(request))
        return Response(StopSerializer(stop).data)
