"""`apply/` and `export/`: the configuration as one document, in and out. `${NAME}` is never expanded here."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW, SERVICES_MANAGE
from llmadmin.api.bodies import JSONBody, YAMLBody
from llmadmin.api.versions import CHANGED
from llmadmin.api.views import RestView, actor_of, flag_of, reason_of
from llmadmin.api.viewsets import REASON
from llmadmin.config.exporting import export_document, export_with_secrets, export_yaml
from llmadmin.config.importing import apply_document
from llmadmin.config.reading.documents import read_mapping
from llmadmin.core.errors import InvalidError

PASSPHRASE = OpenApiParameter(
    "X-Secrets-Passphrase",
    str,
    OpenApiParameter.HEADER,
    description="Opens the API keys that an export with secrets sealed.",
)


class ApplyView(RestView, APIView):
    query_names = {"post": frozenset({"dry_run", "once", "name"})}
    needs = {"*": CONFIG_EDIT}
    parser_classes = [JSONBody, YAMLBody]

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("dry_run", bool, description="1: say what would change, and write nothing."),
            OpenApiParameter(
                "once", bool, description="1: import it once. What it brings is people's, and nothing is removed."
            ),
            OpenApiParameter(
                "name", str, description="What the file is called, for pages that say whose an object is."
            ),
            PASSPHRASE,
            REASON,
        ],
        responses=CHANGED,
    )
    def post(self, request: Request) -> Response:
        """Make the configuration what the document says: one transaction, everything or nothing.

        The document is `llm_config.yaml`, or LiteLLM's `config.yaml`.
        """
        if not isinstance(request.data, dict) or not request.data:
            raise InvalidError("Send the configuration as a JSON object or as YAML, in the format of llm_config.yaml.")
        reading = read_mapping(
            request.data,
            name=request.query_params.get("name", "").strip()[:200],
            passphrase=request.headers.get(PASSPHRASE.name, ""),
        )
        result = apply_document(
            reading,
            by=actor_of(request),
            why=reason_of(request) or "Applied over REST",
            dry_run=flag_of(request, "dry_run"),
            owns=not flag_of(request, "once"),
        )
        return Response(result.to_json())


class ExportView(RestView, APIView):
    query_names = {"get": frozenset({"as"})}
    needs = {"GET": CONFIG_VIEW, "POST": SERVICES_MANAGE}

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

    @extend_schema(
        operation_id="export_with_secrets",
        request=inline_serializer("ExportWithSecrets", {"passphrase": serializers.CharField()}),
        parameters=[REASON],
        responses={(200, "application/yaml"): OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> HttpResponse:
        """The same with its API keys, sealed by a passphrase: for a move to another installation. Audited."""
        given = request.data if isinstance(request.data, dict) else {}
        passphrase = given.get("passphrase")
        if not isinstance(passphrase, str) or set(given) != {"passphrase"}:
            raise InvalidError(
                "passphrase: Give the text to seal the API keys with.", fields={"passphrase": "Give text."}
            )
        text, _ = export_with_secrets(passphrase, by=actor_of(request), why=reason_of(request))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers={"Cache-Control": "no-store"})


def _accepted(request: Request) -> str:
    return "json" if "application/json" in request.headers.get("Accept", "") else "yaml"
