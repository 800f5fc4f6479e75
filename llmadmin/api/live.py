"""`config/` and `resolve/` for people with a session. Services get the same documents from memory, before Django is asked."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_VIEW
from llmadmin.api.views import RestView, actor_of
from llmadmin.gateway.callers import grant_of_person
from llmadmin.gateway.documents import config_answer
from llmadmin.gateway.resolving import KINDS, QUERY_NAMES, Question, resolve_document
from llmadmin.gateway.runtime import Runtime


class ConfigView(RestView, APIView):
    query_names = {"get": frozenset({"wait"})}
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag you have: 304 while it holds."
            ),
            OpenApiParameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": 30},
                description="Seconds to wait for a change, at most 30 (service keys only).",
            ),
        ],
        responses={200: OpenApiTypes.OBJECT, 304: None},
    )
    def get(self, request: Request) -> HttpResponse:
        """The whole resolved config that this caller may see. API keys only for service keys with `secrets:read`."""
        snapshot = Runtime.current().snapshot
        answer = config_answer(snapshot, grant_of_person(actor_of(request).label))
        headers = {"ETag": answer.etag.decode(), "Vary": "Cookie", "x-llmadmin-config-version": str(snapshot.version)}
        if _names(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(answer.body, content_type="application/json", headers=headers)


def _names(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names this ETag, alone or in a list, also as a weak one, or as `*`."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in header.split(","))


class ResolveView(RestView, APIView):
    query_names = {"get": QUERY_NAMES}
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(
        parameters=[
            *(OpenApiParameter(name, str) for name in KINDS),
            OpenApiParameter(
                "without", str, description="What if these were down: provider:SLUG or key:ID, with commas."
            ),
            OpenApiParameter(
                "explain", bool, description="1: every step with its keys, health, parameters and reasons."
            ),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        """Where a name leads, in the order in which its targets would be tried, and why."""
        question = Question.read(request.query_params)
        runtime = Runtime.current()
        snapshot = runtime.snapshot
        grant = grant_of_person(actor_of(request).label)
        body = resolve_document(snapshot, grant, question, router=runtime.router)
        return Response(body, headers={"x-llmadmin-config-version": str(snapshot.version)})
