"""Reading switches: what is stopped now, for the live path and for pages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from llmadmin.accounts.models import Service
from llmadmin.core.errors import MissingError
from llmadmin.limits.models import Scope, Stop


@dataclass(frozen=True, slots=True)
class Stops:
    """What is stopped now, each with its reason. Services go by the names that they have now."""

    everything: str | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.everything is not None or bool(self.providers or self.keys or self.services)

    def covers(self, *, service: str, provider: str, key_id: str | None) -> bool:
        """Whether a call of `service` that is on its way to `provider` with this key has to end."""
        return (
            self.everything is not None
            or service in self.services
            or provider in self.providers
            or (key_id is not None and key_id in self.keys)
        )


def stops_in_force() -> QuerySet[Stop]:
    return Stop.objects.filter(lifted_at__isnull=True)


def lifted_stops() -> QuerySet[Stop]:
    """History, the latest first."""
    return Stop.objects.filter(lifted_at__isnull=False)


def active_stops() -> Stops:
    """What the live path obeys. One query, two where a service is stopped."""
    by_scope: dict[str, dict[str, str]] = {scope: {} for scope in Scope.values}
    for scope, target, reason in stops_in_force().values_list("scope", "target", "reason"):
        by_scope[scope][target] = reason
    named: dict[str, str] = {}
    if by_scope[Scope.SERVICE]:
        rows = Service.objects.filter(pk__in=by_scope[Scope.SERVICE]).values_list("pk", "name")
        named = {name: by_scope[Scope.SERVICE][str(pk)] for pk, name in rows}
    return Stops(
        everything=by_scope[Scope.EVERYTHING].get(""),
        providers=by_scope[Scope.PROVIDER],
        keys=by_scope[Scope.KEY],
        services=named,
    )


def get_stop(stop_id: uuid.UUID | str) -> Stop:
    """Raises MissingError."""
    try:
        return Stop.objects.get(pk=uuid.UUID(str(stop_id)))
    except (Stop.DoesNotExist, ValueError):
        raise MissingError("There is no such switch.") from None


def find_stop(scope: str, target: str = "") -> Stop | None:
    """The stop in force for an object, for its own page."""
    return stops_in_force().filter(scope=scope, target=target).first()
