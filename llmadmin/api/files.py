"""`apply/` and `export/`: the configuration as one document, in and out. `${NAME}` is never expanded here."""

from __future__ import annotations

from typing import Any

import yaml
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.api.versions import CHANGED
from llmadmin.api.viewsets import REASON, actor_of
from llmadmin.config.exporting import export_document, export_yaml
from llmadmin.config.importing import apply_document
from llmadmin.core.errors import InvalidError


class YAMLParser(BaseParser):
    """YAML without tags that make objects."""

    media_type = "application/yaml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return yaml.safe_load(stream.read().decode("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
            raise ParseError(f"This is no YAML that can be read: {str(problem).splitlines()[0]}") from problem


class OldYAMLParser(YAMLParser):
    media_type = "application/x-yaml"


class TextYAMLParser(YAMLParser):
    media_type = "text/yaml"


class ApplyView(APIView):
    needs = {"*": CONFIG_EDIT}
    parser_classes = [JSONParser, YAMLParser, OldYAMLParser, TextYAMLParser]

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
            why=request.headers.get("X-Change-Reason", "") or "Applied over REST",
            dry_run=_flag(request, "dry_run"),
        )
        return Response({"version": result.version, "changed": result.changed, "changes": result.changes})


class ExportView(APIView):
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["yaml", "json"], description="The form; YAML unless told.")],
        responses={(200, "application/yaml"): OpenApiTypes.STR, (200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:
        """The configuration as a file that `apply/` takes. API keys are not in it."""
        wants_json = request.query_params.get("as") == "json" or (
            "as" not in request.query_params and "application/json" in request.headers.get("Accept", "")
        )
        if wants_json:
            return Response(export_document())
        return HttpResponse(export_yaml(), content_type="application/yaml; charset=utf-8")


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "").lower()
    if text in ("", "0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise InvalidError.of(**{name: "Give 1 or 0."})
