"""`teams/`: which services and people belong together."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from llmadmin.accounts import teams
from llmadmin.accounts.models import Team
from llmadmin.accounts.permissions import CONFIG_VIEW, SERVICES_MANAGE
from llmadmin.accounts.selectors import get_team
from llmadmin.accounts.selectors import teams as all_teams
from llmadmin.api.fields import Row, Texts, example
from llmadmin.api.viewsets import ConfigViewSet


class Members(Texts):
    """E-mail addresses, of the people that a team holds."""

    def to_representation(self, value: Any) -> Any:
        return sorted(person.email for person in value.all())


class Names(Texts):
    """The names of the services that a team holds."""

    def to_representation(self, value: Any) -> Any:
        return sorted(service.name for service in value.all())


@example("A team of two", {"slug": "search", "name": "Search and discovery", "members": ["ada@example.com"]})
class TeamSerializer(Row):
    """A team grants nothing by itself. Services name theirs in `team`; here they can only be read."""

    slug = serializers.CharField()
    name = serializers.CharField(required=False, default="", help_text="Left out: the slug.")
    members = Members(required=False, default=list, help_text="E-mail addresses of people with an account.")
    services = Names(read_only=True)


class TeamViewSet(ConfigViewSet):
    noun = "team"
    serializer_class = TeamSerializer
    needs = {"GET": CONFIG_VIEW, "*": SERVICES_MANAGE}
    change_permission = SERVICES_MANAGE
    lookup_field = "slug"
    ordering = ("slug",)
    queryset = Team.objects.none()

    def get_queryset(self) -> Any:
        return all_teams().prefetch_related("members", "services")

    def find(self, key: str) -> Team:
        return get_team(key)

    def perform_create(self, fields: dict[str, Any]) -> Team:
        return teams.create_team(source="api", **fields)

    def perform_update(self, row: Team, fields: dict[str, Any], *, expected_revision: int | None) -> Team:
        return teams.update_team(row, expected_revision=expected_revision, **fields)

    def perform_destroy(self, row: Team, *, expected_revision: int | None) -> None:
        teams.delete_team(row, expected_revision=expected_revision)
