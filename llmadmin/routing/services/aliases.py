"""Changing aliases: the names that callers use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmadmin.accounts.models import Service
from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, dependent_name, differing, in_use, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, FieldError, clean
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel, Strategy
from llmadmin.routing.services.targets import read_targets, replace_targets, shown, shown_aims

NOUN = "alias"
AGENT_PREFIX = "agent:"
MAX_CACHE_TTL_S = 30 * 24 * 3600


def name(value: Any) -> str:
    found = take.name(value)
    if found.startswith(AGENT_PREFIX):
        raise FieldError(f"Names that begin with {AGENT_PREFIX} belong to agents. Choose another one.")
    return found


def strategy(value: Any) -> str:
    if value not in Strategy.values:
        raise FieldError(f"Choose one of {', '.join(Strategy.values)}.")
    return str(value)


CLEANERS: dict[str, Cleaner] = {
    "name": name,
    "strategy": strategy,
    "params": take.json_object,
    "cache_ttl_s": take.whole(least=0, most=MAX_CACHE_TTL_S),
    "deprecated": take.optional_text(most=300),
    "description": take.text(most=300),
    "source": take.source,
}


def create_alias(*, name: str, targets: Sequence[Any], source: str = "ui", **fields: Any) -> Alias:
    """An alias with its targets, in the order in which they are tried. Raises InvalidError, ConflictError.

    `fields` are `strategy`, `params`, `cache_ttl_s`, `deprecated` (a sentence for callers, or None), `description`.
    """
    alias = Alias(**clean({"name": name, "source": source, **fields}, CLEANERS, noun="An alias"))
    require_free(Alias.objects.filter(name=alias.name), noun=NOUN, field="name", value=alias.name)
    aims = read_targets(targets)
    add(alias, noun=NOUN, extra={"targets": shown_aims(aims)})
    replace_targets(alias, aims)
    return alias


def update_alias(
    alias: Alias, *, expected_revision: int | None = None, targets: Sequence[Any] | None = None, **fields: Any
) -> Alias:
    """Set the given fields, replace the targets where given, and return the row as it is now.

    Raises InvalidError, StaleError, ConflictError, MissingError.
    """
    current = locked(alias, noun=NOUN, expected_revision=expected_revision)
    values = differing(current, clean(fields, CLEANERS, noun="An alias"))
    aims = None if targets is None else read_targets(targets)
    before = shown(current)
    after = before if aims is None else shown_aims(aims)
    if not values and after == before:
        return current
    if "name" in values:
        _require_no_grants(current)
        require_free(Alias.objects.filter(name=values["name"]), noun=NOUN, field="name", value=values["name"])
    write(current, values, noun=NOUN, before={"targets": before}, after={"targets": after})
    if aims is not None and after != before:
        replace_targets(current, aims)
    return current


def delete_alias(alias: Alias, *, expected_revision: int | None = None) -> None:
    """Delete an alias. Raises InUseError while an agent, the default or a service's grant names it, StaleError, MissingError."""
    current = locked(alias, noun=NOUN, expected_revision=expected_revision)
    agents = [dependent_name(agent) for agent in AgentMapping.objects.filter(alias=current)]
    default = [dependent_name(one) for one in DefaultModel.objects.filter(alias=current)]
    dependents = [*agents, *default, *_grants(current)]
    if dependents:
        raise in_use(NOUN, current.name, dependents)
    remove(current, noun=NOUN, extra={"targets": shown(current)})


def _require_no_grants(alias: Alias) -> None:
    """Services name the aliases that they may call in words, so renaming one would take it from them."""
    services = _grants(alias)
    if services:
        raise in_use(NOUN, alias.name, services)


def _grants(alias: Alias) -> list[str]:
    granted = Service.objects.exclude(aliases=[]).values_list("name", "aliases")
    return [f"service {service}" for service, names in granted if alias.name in names]
