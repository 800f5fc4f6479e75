"""What a change would touch: the aliases, agents and services behind an object, with what they served and cost last week.

Two things are put together, since each alone misses something: what the configuration says leads to the object, and who
called through it in the last seven days. Calls come from the rollup; the number of queries does not grow with the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from llmadmin.accounts.models import Service
from llmadmin.accounts.selectors import get_service
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import find_model, get_model, get_price, get_provider
from llmadmin.core.errors import MissingError
from llmadmin.routing.models import AgentMapping, Alias
from llmadmin.routing.selectors import get_agent, get_alias
from llmadmin.usage.dimensions import hour_of
from llmadmin.usage.selectors import Totals, parts
from llmadmin.vault.models import ApiKey
from llmadmin.vault.selectors import get_key

DAYS = 7
KINDS = ("provider", "key", "model", "price", "alias", "agent", "service")
_DIMENSIONS = ("alias", "agent", "service")

Subject = Provider | ApiKey | LanguageModel | Price | Alias | AgentMapping | Service


@dataclass(frozen=True, slots=True)
class Touched:
    """One alias, agent or service, with its calls through the object in the span."""

    name: str
    is_configured: bool
    """The configuration leads there; otherwise it only called in the span."""
    calls: int = 0
    errors: int = 0
    unpriced_calls: int = 0
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of one object touches. `calls`, `cost_usd` and the others are of all calls that it served in the span."""

    kind: str
    name: str
    from_at: dt.datetime
    to_at: dt.datetime
    models: int
    aliases: tuple[Touched, ...]
    agents: tuple[Touched, ...]
    services: tuple[Touched, ...]
    open_services: int
    """Services that may call everything and did not: they could be touched at any time."""
    calls: int
    errors: int
    unpriced_calls: int
    cost_usd: Decimal | None

    @property
    def is_nothing(self) -> bool:
        return not (self.aliases or self.agents or self.services or self.calls)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where the configuration leads from an object, by name, and which of its calls count."""

    kind: str
    name: str
    filters: dict[str, str]
    aliases: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    services: tuple[str, ...] | None = None
    """None: those that are granted one of the names."""

    @property
    def names(self) -> set[str]:
        return {*self.aliases, *self.agents, *self.models}


def impact_of(subject: Subject, *, now: dt.datetime | None = None) -> Impact:
    """What a change of this row touches."""
    reach = _reach_of(subject)
    to_at = hour_of(now or timezone.now()) + dt.timedelta(hours=1)
    from_at = to_at - dt.timedelta(days=DAYS)
    found = parts(from_at=from_at, to_at=to_at, by=_DIMENSIONS, filters=reach.filters)
    granted, open_services = _services_granted(reach.names)
    services = set(granted if reach.services is None else reach.services)
    callers = found.by["service"].keys()
    return Impact(
        kind=reach.kind,
        name=reach.name,
        from_at=from_at,
        to_at=to_at,
        models=len(reach.models) if reach.kind == "provider" else 0,
        aliases=_touched(reach.aliases, found.by["alias"]),
        agents=_touched(reach.agents, found.by["agent"]),
        services=_touched(services, found.by["service"]),
        open_services=len(open_services - services - callers) if reach.names and reach.services is None else 0,
        calls=found.total.calls,
        errors=found.total.errors,
        unpriced_calls=found.total.unpriced_calls,
        cost_usd=found.total.known_cost_usd,
    )


def find_subject(kind: str, key: str) -> Subject:
    """The object that a kind of `KINDS` and a slug, name or id mean. Raises MissingError."""
    finders: dict[str, Any] = {
        "provider": get_provider,
        "key": get_key,
        "model": _find_model,
        "price": get_price,
        "alias": get_alias,
        "agent": get_agent,
        "service": get_service,
    }
    found: Subject = finders[kind](key)
    return found


def _find_model(key: str) -> LanguageModel:
    """By id, else as `provider/name`."""
    try:
        return get_model(key)
    except MissingError:
        return find_model(key)


def _reach_of(subject: Subject) -> _Reach:
    match subject:
        case Provider():
            models = LanguageModel.objects.filter(provider=subject)
            return _through(models, kind="provider", name=subject.slug, filters={"provider": subject.slug})
        case ApiKey():
            models = LanguageModel.objects.filter(provider=subject.provider)
            if subject.allowed_models:
                models = models.filter(name__in=subject.allowed_models)
            name = f"{subject.provider.slug}/{subject.label}"
            return _through(models, kind="key", name=name, filters={"key_id": str(subject.pk)})
        case Price():
            return _of_model(subject.model, kind="price")
        case LanguageModel():
            return _of_model(subject, kind="model")
        case Alias():
            filters = {"alias": subject.name}
            return _Reach("alias", subject.name, filters, (subject.name,), _agents_on([subject.name]))
        case AgentMapping():
            return _Reach("agent", subject.name, {"agent": subject.name}, agents=(subject.name,))
        case Service():
            return _of_service(subject)


def _of_model(model: LanguageModel, *, kind: str) -> _Reach:
    only = LanguageModel.objects.filter(pk=model.pk)
    return _through(only, kind=kind, name=model.full_name, filters={"model": model.full_name})


def _through(models: QuerySet[LanguageModel], *, kind: str, name: str, filters: dict[str, str]) -> _Reach:
    """From models to the aliases that go there, their canaries included, and on to the agents on those."""
    leads_there = Q(targets__model__in=models) | Q(canary_model__in=models)
    aliases = tuple(Alias.objects.filter(leads_there).order_by("name").distinct().values_list("name", flat=True))
    full_names = tuple(f"{slug}/{model}" for slug, model in models.values_list("provider__slug", "name"))
    return _Reach(kind, name, filters, aliases, _agents_on(aliases), full_names)


def _of_service(service: Service) -> _Reach:
    """A service touches itself, and what it calls: what it is granted by name, or called in the span."""
    granted = set(service.aliases)
    aliases = Alias.objects.filter(name__in=granted).values_list("name", flat=True)
    agents = AgentMapping.objects.filter(name__in=granted).values_list("name", flat=True)
    filters = {"service": service.name}
    return _Reach("service", service.name, filters, tuple(aliases), tuple(agents), services=(service.name,))


def _agents_on(aliases: Iterable[str]) -> tuple[str, ...]:
    on_these = AgentMapping.objects.filter(alias__name__in=aliases).order_by("name")
    return tuple(on_these.values_list("name", flat=True))


def _services_granted(names: set[str]) -> tuple[set[str], set[str]]:
    """Enabled services that are granted one of the names, and those that may call everything."""
    rows = Service.objects.filter(enabled=True, is_internal=False).values_list("name", "aliases")
    granted = {service for service, allowed in rows if names.intersection(allowed)}
    return granted, {service for service, allowed in rows if not allowed}


def _touched(configured: Iterable[str], called: Mapping[str, Totals]) -> tuple[Touched, ...]:
    """Those of the configuration and those that called, the dearest first."""
    names = dict.fromkeys([*configured, *(name for name in called if name)])
    known = set(configured)
    rows = [_row(name, called.get(name), is_configured=name in known) for name in names]
    return tuple(sorted(rows, key=lambda row: (-(row.cost_usd or 0), -row.calls, row.name)))


def _row(name: str, totals: Totals | None, *, is_configured: bool) -> Touched:
    if totals is None:
        return Touched(name, is_configured)
    return Touched(name, is_configured, totals.calls, totals.errors, totals.unpriced_calls, totals.known_cost_usd)
