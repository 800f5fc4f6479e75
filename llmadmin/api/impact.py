"""`impact/` and `canary/`: what a change would touch, and a canary's two sides with the two ways to end the trial."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llmadmin.accounts.permissions import CONFIG_EDIT, CONFIG_VIEW, USAGE_VIEW, require
from llmadmin.api.reading import expected_revision
from llmadmin.api.routing import AliasSerializer
from llmadmin.api.views import RestView, actor_of, reason_of
from llmadmin.api.viewsets import IF_MATCH, REASON, version_header
from llmadmin.config.services import change
from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.impact.comparing import compare
from llmadmin.impact.documents import comparison_json, impact_json
from llmadmin.impact.touching import KINDS, find_subject, impact_of
from llmadmin.routing import services
from llmadmin.routing.models import Alias
from llmadmin.routing.selectors import get_alias

ALIAS = OpenApiParameter("alias", str, required=True, description="The alias whose canary it is.")


class ImpactView(RestView, APIView):
    query_names = {"get": frozenset(KINDS)}
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(
        parameters=[OpenApiParameter(name, str, description="Its slug, name or id.") for name in KINDS],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        """Which aliases, agents and services a change of one object touches, and what they served and cost in seven days."""
        require(actor_of(request), USAGE_VIEW)
        asked = [(kind, request.query_params[kind]) for kind in KINDS if request.query_params.get(kind)]
        if len(asked) != 1:
            raise InvalidError(f"Ask with exactly one of {', '.join(f'?{kind}=' for kind in KINDS)}.")
        return Response(impact_json(impact_of(find_subject(*asked[0]))))


class CanaryView(RestView, APIView):
    query_names = {"get": frozenset({"alias"})}
    needs = {"GET": CONFIG_VIEW}

    @extend_schema(operation_id="canary_sides", parameters=[ALIAS], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Both sides' calls, failures, latency and cost since the canary began, and whether they differ by more than chance."""
        require(actor_of(request), USAGE_VIEW)
        alias = _alias_of(request)
        if alias.canary_since is None:
            raise MissingError(f"The alias '{alias.name}' has no canary.")
        return Response({"canary_of": alias.name, **comparison_json(compare(alias.name, since=alias.canary_since))})


class PromoteCanaryView(RestView, APIView):
    query_names = {"post": frozenset({"alias"})}
    needs = {"POST": CONFIG_EDIT}

    @extend_schema(
        operation_id="canary_promote", parameters=[ALIAS, IF_MATCH, REASON], request=None, responses=AliasSerializer
    )
    def post(self, request: Request) -> Response:
        """The canary takes the first target's place, and the trial ends."""
        return _ended(request, services.promote_canary)


class DropCanaryView(RestView, APIView):
    query_names = {"post": frozenset({"alias"})}
    needs = {"POST": CONFIG_EDIT}

    @extend_schema(
        operation_id="canary_drop", parameters=[ALIAS, IF_MATCH, REASON], request=None, responses=AliasSerializer
    )
    def post(self, request: Request) -> Response:
        """The trial ends, and the targets stay as they are."""
        return _ended(request, services.drop_canary)


def _ended(request: Request, end: Callable[..., Alias]) -> Response:
    alias = _alias_of(request)
    with change(by=actor_of(request), why=reason_of(request)) as made:
        end(alias, expected_revision=expected_revision(request, alias))
    return Response(AliasSerializer(get_alias(alias.name)).data, headers=version_header(made))


def _alias_of(request: Request) -> Alias:
    name = request.query_params.get("alias", "")
    if not name:
        raise InvalidError.of(alias="Name the alias, as in ?alias=fast.")
    return get_alias(name)
