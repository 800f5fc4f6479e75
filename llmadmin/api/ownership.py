"""`ownership/`: which objects belong to a config file, and taking them over from it or giving them back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW
from llmadmin.api.fields import Moment
from llmadmin.api.versions import CHANGED, changed
from llmadmin.api.views import RestView, actor_of, reason_of
from llmadmin.api.viewsets import REASON
from llmadmin.config import ownership
from llmadmin.core.errors import InvalidError


class OwnerSerializer(serializers.Serializer[Any]):
    """Whose an object is to be."""

    object = serializers.ChoiceField(choices=ownership.NOUNS)
    name = serializers.CharField(help_text="As lists name it: a slug, provider/name, a name; anything for the default.")
    owner = serializers.ChoiceField(choices=(ownership.PEOPLE, ownership.FILE))


OWNED = inline_serializer(
    "Ownership",
    {
        "file": inline_serializer(
            "AppliedFile",
            {
                "name": serializers.CharField(),
                "applied_at": Moment(),
                "by": serializers.CharField(),
                "version": serializers.IntegerField(),
            },
            allow_null=True,
        ),
        "owned": serializers.DictField(child=serializers.IntegerField()),
    },
)


class OwnershipView(RestView, APIView):
    needs = {"GET": CONFIG_VIEW, "*": CONFIG_EDIT}

    @extend_schema(responses=OWNED)
    def get(self, request: Request) -> Response:
        """The config file that was applied last, and how many objects of each kind are its own."""
        held = ownership.applied_file()
        file = held and {
            "name": held.name,
            "applied_at": Moment().to_representation(held.applied_at),
            "by": held.actor_label,
            "version": held.version,
        }
        return Response({"file": file, "owned": ownership.owned_by_file()})

    @extend_schema(operation_id="set_owner", request=OwnerSerializer, parameters=[REASON], responses=CHANGED)
    def post(self, request: Request) -> Response:
        """Take an object over from its file, so that it can be changed here, or give it back."""
        given = request.data if isinstance(request.data, dict) else {}
        unknown = sorted(set(given) - {"object", "name", "owner"})
        if unknown:
            raise InvalidError.of(**{unknown[0]: "Is no field here. Give object, name and owner."})
        made = ownership.set_owner(
            str(given.get("object", "")),
            str(given.get("name", "")),
            str(given.get("owner", "")),
            by=actor_of(request),
            why=reason_of(request),
        )
        return Response(changed(made))
