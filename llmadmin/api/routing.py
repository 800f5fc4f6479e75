"""`aliases/` and `agents/`: what names mean."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from llmadmin.api.fields import AnyObject, Moment, Row, TextsByName, example
from llmadmin.api.viewsets import ConfigViewSet
from llmadmin.routing import services
from llmadmin.routing.models import AgentMapping, Alias
from llmadmin.routing.selectors import agents, aliases, get_agent, get_alias

# Names may hold dots and slashes; the slash at the address's end is not a part of them.
NAME_IN_ADDRESS = ".+?"


@extend_schema_field(
    {
        "type": "object",
        "required": ["model", "share_percent"],
        "properties": {
            "model": {"type": "string"},
            "share_percent": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 99},
            "params": {"type": "object", "additionalProperties": True},
            "since": {"type": "string", "format": "date-time", "nullable": True},
        },
    }
)
class Canary(AnyObject):
    """A target on trial, or null."""


class TargetSerializer(serializers.Serializer[Any]):
    """One place an alias may go: always a model, written `provider/name`."""

    model = serializers.CharField(source="model.full_name")
    weight = serializers.IntegerField(required=False, default=1)
    params = AnyObject(required=False, default=dict)


@example(
    "Two targets, the first one preferred",
    {
        "name": "safe",
        "strategy": "priority",
        "targets": [{"model": "openai/gpt-4.1-mini"}, {"model": "lab/llama-lab"}],
        "params": {"temperature": 0.2},
    },
)
class AliasSerializer(Row):
    """A name that callers use, and its targets in the order in which they are tried."""

    name = serializers.CharField()
    strategy = serializers.CharField(required=False, default="priority")
    targets = TargetSerializer(many=True)
    params = AnyObject(required=False, default=dict)
    cache_ttl_s = serializers.IntegerField(required=False, default=0)
    deprecated = serializers.CharField(
        required=False, allow_null=True, default=None, help_text="A sentence for those who still call it, or null."
    )
    deprecated_at = Moment(
        required=False, allow_null=True, default=None, help_text="Since when; now, where it is left out."
    )
    replacement = serializers.CharField(
        required=False, allow_null=True, default=None, help_text="The alias to use instead."
    )
    sunset_at = Moment(required=False, allow_null=True, default=None, help_text="When it ends.")
    after_sunset = serializers.CharField(
        required=False, default="answer", help_text="From then on: answer, or refuse with 410."
    )
    canary = Canary(
        required=False,
        allow_null=True,
        default=None,
        help_text="A target on trial: `share_percent` of the calls try `model` first, with `params`. Since when: `since`.",
    )
    description = serializers.CharField(required=False, default="")


@example("An agent", {"name": "coder", "alias": "safe", "params": {"max_tokens": 800}})
class AgentSerializer(Row):
    """Which alias an agent type runs on, with its own parameters and headers."""

    name = serializers.CharField()
    alias = serializers.CharField(source="alias.name")
    params = AnyObject(required=False, default=dict)
    headers = TextsByName(required=False, default=dict)
    description = serializers.CharField(required=False, default="")


class AliasViewSet(ConfigViewSet):
    noun = "alias"
    serializer_class = AliasSerializer
    lookup_field = "name"
    lookup_value_regex = NAME_IN_ADDRESS
    ordering = ("name",)
    queryset = Alias.objects.none()

    def get_queryset(self) -> Any:
        return aliases()

    def find(self, key: str) -> Alias:
        return get_alias(key)

    def perform_create(self, fields: dict[str, Any]) -> Alias:
        return services.create_alias(source="api", **fields)

    def perform_update(self, row: Alias, fields: dict[str, Any], *, expected_revision: int | None) -> Alias:
        return services.update_alias(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: Alias, *, expected_revision: int | None) -> None:
        services.delete_alias(row, expected_revision=expected_revision)


class AgentViewSet(ConfigViewSet):
    noun = "agent"
    filters = {"alias": "alias__name"}
    serializer_class = AgentSerializer
    lookup_field = "name"
    lookup_value_regex = NAME_IN_ADDRESS
    ordering = ("name",)
    queryset = AgentMapping.objects.none()

    def get_queryset(self) -> Any:
        return agents()

    def find(self, key: str) -> AgentMapping:
        return get_agent(key)

    def perform_create(self, fields: dict[str, Any]) -> AgentMapping:
        return services.create_agent(source="api", **fields)

    def perform_update(
        self, row: AgentMapping, fields: dict[str, Any], *, expected_revision: int | None
    ) -> AgentMapping:
        return services.update_agent(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: AgentMapping, *, expected_revision: int | None) -> None:
        services.delete_agent(row, expected_revision=expected_revision)
