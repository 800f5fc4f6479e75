"""`versions/`: what was published, what differs, and the way back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.api.fields import AnyObject, Moment
from llmadmin.api.views import PAGED, RestView, actor_of, flag_of, reason_of
from llmadmin.api.viewsets import REASON
from llmadmin.config.models import ConfigVersion
from llmadmin.config.rollback import rehearse_rollback, rollback_to
from llmadmin.config.selectors import diff, get_version, latest, versions
from llmadmin.config.services import Change
from llmadmin.config.wording import sentences_of
from llmadmin.core.errors import InvalidError


class ChangeSerializer(serializers.Serializer[Any]):
    """One object that differs, as it was and as it is."""

    object = serializers.CharField()
    name = serializers.CharField()
    op = serializers.CharField(help_text="create, update or delete.")
    before = AnyObject(allow_null=True)
    after = AnyObject(allow_null=True)


class FindingSerializer(serializers.Serializer[Any]):
    """What would not work (`warning`), or is worth knowing (`note`)."""

    code = serializers.CharField()
    level = serializers.ChoiceField(choices=("warning", "note"))
    object = serializers.CharField()
    name = serializers.CharField()
    message = serializers.CharField()


class VersionSerializer(serializers.Serializer[Any]):
    """A published version, without its document."""

    number = serializers.IntegerField()
    hash = serializers.CharField()
    published_at = Moment()
    by = serializers.CharField(source="actor_label")
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # an attribute of the framework's class
    changes = ChangeSerializer(many=True)
    warnings = FindingSerializer(many=True)


class VersionDetailSerializer(VersionSerializer):
    """A published version with its document, which never holds a key."""

    document = AnyObject()


DIFF = inline_serializer(
    "VersionDiff",
    {
        "from": serializers.IntegerField(),
        "to": serializers.IntegerField(),
        "changes": ChangeSerializer(many=True),
        "words": serializers.ListField(child=serializers.CharField(), help_text="A sentence for each difference."),
    },
)
CHANGED = inline_serializer(
    "ChangedConfig",
    {
        "version": serializers.IntegerField(),
        "changed": serializers.BooleanField(),
        "changes": ChangeSerializer(many=True),
        "warnings": serializers.ListField(
            child=serializers.CharField(),
            help_text="What was not carried over, and what in the new version would not work, in sentences.",
        ),
    },
)


def changed(made: Change) -> dict[str, Any]:
    """What a change of the whole config answers."""
    return {
        "version": made.version,
        "changed": made.did_publish,
        "changes": made.changes,
        "warnings": made.warnings,
    }


class VersionViewSet(RestView, GenericViewSet[ConfigVersion]):
    noun = "version"
    query_names = {"list": PAGED, "diff": frozenset({"to"}), "rollback": frozenset({"dry_run"})}
    serializer_class = VersionSerializer
    needs = {"GET": CONFIG_VIEW, "*": CONFIG_EDIT}
    ordering = ("-number",)
    lookup_field = "number"
    lookup_value_regex = r"[0-9]{1,9}"
    queryset = ConfigVersion.objects.none()

    def list(self, request: Request) -> Response:
        """The history, the newest first, each with what it changed."""
        # One query for the page: the selector leaves `changes` out, which would then be read row by row.
        page = self.paginate_queryset(versions().defer(None).defer("document", "restore_state"))
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(responses=VersionDetailSerializer)
    def retrieve(self, request: Request, number: str) -> Response:
        """One, with the document that it published."""
        return Response(VersionDetailSerializer(get_version(int(number))).data)

    @extend_schema(
        parameters=[OpenApiParameter("to", int, description="The other version; without it, the one in force.")],
        responses=DIFF,
    )
    @action(detail=True, pagination_class=None)
    def diff(self, request: Request, number: str) -> Response:
        """What changes on the way from this version to another."""
        wanted = request.query_params.get("to", "")
        if wanted and not (wanted.isascii() and wanted.isdigit() and len(wanted) < 10):
            raise InvalidError.of(to="Give a version's number.")
        start = get_version(int(number), with_document=False)
        end = get_version(int(wanted), with_document=False) if wanted else latest(with_document=False)
        changes = diff(start, end)
        words = sentences_of(changes)
        return Response({"from": start.number, "to": end.number, "changes": changes, "words": words})

    @extend_schema(
        request=None,
        parameters=[
            OpenApiParameter("dry_run", bool, description="1: say what would change, and write nothing."),
            REASON,
        ],
        responses=CHANGED,
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, number: str) -> Response:
        """Restore the tables as they were at this version; the result is a new version."""
        act = rehearse_rollback if flag_of(request, "dry_run") else rollback_to
        return Response(changed(act(int(number), by=actor_of(request), why=reason_of(request))))
