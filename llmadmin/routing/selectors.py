"""Reading aliases with their targets, agents and the default."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from llmadmin.core.errors import MissingError
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel, Target


def aliases() -> QuerySet[Alias]:
    """Aliases with their targets, those in order, in a fixed number of queries."""
    targets = Target.objects.select_related("model__provider").order_by("position")
    found = Alias.objects.select_related("canary_model__provider").order_by("name")
    return found.prefetch_related(Prefetch("targets", queryset=targets))


def get_alias(name: str) -> Alias:
    """Raises MissingError."""
    try:
        return aliases().get(name=name)
    except Alias.DoesNotExist:
        raise MissingError(f"There is no alias '{name}'.") from None


def agents() -> QuerySet[AgentMapping]:
    return AgentMapping.objects.select_related("alias").order_by("name")


def get_agent(name: str) -> AgentMapping:
    """Raises MissingError."""
    try:
        return agents().get(name=name)
    except AgentMapping.DoesNotExist:
        raise MissingError(f"There is no agent '{name}'.") from None


def default_name() -> str:
    """The alias, or the model as `provider/name`, that runs when a caller names nothing; empty when there is none."""
    default = get_default()
    return default.target_name if default else ""


def get_default() -> DefaultModel | None:
    return DefaultModel.objects.select_related("alias", "model__provider").first()
