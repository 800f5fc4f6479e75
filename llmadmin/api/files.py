"""`apply/` and `export/`: the configuration as one document, in and out. `${NAME}` is never expanded here."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.api.bodies import JSONBody, YAMLBody
from llmadmin.api.versions import CHANGED
from llmadmin.api.views import RestView, actor_of, reason_of
from llmadmin.api.viewsets import REASON
from llmadmin.config.exporting import export_document, export_yaml
from llmadmin.config.importing import apply_document
from llmadmin.core.errors import InvalidError


class ApplyView(RestView, APIView):
    query_names = {"post": frozenset({"dry_run"})}
    needs = {"*": CONFIG_EDIT}
    parser_classes = [JSONBody, YAMLBody]

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("dry_run", bool, description="1: say what would change, and write nothing."),
            REASON,
        ],
        responses=CHANGED,
    )
    def post(self, request: Request) -> Response:
        """Make the configuration what the document says: one transaction, everything or nothing."""
        if not isinstance(request.data, dict) or not request.data:
            raise InvalidError("Send the configuration as a JSON object or as YAML, in the format of llm_config.yaml.")
        result = apply_document(
            request.data,
            by=actor_of(request),
            why=reason_of(request) or "Applied over REST",
            dry_run=_flag(request, "dry_run"),
        )
        return Response({"version": result.version, "changed": result.changed, "changes": result.changes})


class ExportView(RestView, APIView):
    query_names = {"get": frozenset({"as"})}
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["yaml", "json"], description="The form; YAML unless told.")],
        responses={(200, "application/yaml"): OpenApiTypes.OBJECT, (200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:
        """The configuration as a file that `apply/` takes. API keys are not in it."""
        form = request.query_params.get("as") or _accepted(request)
        if form not in ("yaml", "json"):
            raise InvalidError.of(**{"as": "Choose yaml or json."})
        if form == "json":
            return Response(export_document())
        return HttpResponse(export_yaml(), content_type="application/yaml; charset=utf-8")


def _accepted(request: Request) -> str:
    return "json" if "application/json" in request.headers.get("Accept", "") else "yaml"


def _flag(request: Request, name: str) -> bool:
    """Whether it is set. Without a value it is neither: what was meant as a rehearsal must not be the real thing."""
    text = request.query_params.get(name, "0").lower()
    if text in ("0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise InvalidError.of(**{name: "Give 1 or 0."})
