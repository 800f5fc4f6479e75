"""Changing aliases: the names that callers use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmadmin.accounts.models import Service
from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, dependent_name, differing, in_use, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, FieldError, clean
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel, Strategy
from llmadmin.routing.services import canaries, retirement
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
    "description": take.text(most=300),
    "source": take.source,
    **retirement.CLEANERS,
}


def create_alias(*, name: str, targets: Sequence[Any], source: str = "ui", **fields: Any) -> Alias:
    """An alias with its targets, in the order in which they are tried. Raises InvalidError, ConflictError.

    `fields` are `strategy`, `params`, `cache_ttl_s`, `description`, `canary` (`{model, share_percent, params}` or None), and
    of one that is to go `deprecated` (a sentence for callers, or None), `replacement`, `sunset_at`, `after_sunset`.
    """
    values = _read({"name": name, "source": source, **fields})
    alias = Alias(**values)
    require_free(Alias.objects.filter(name=alias.name), noun=NOUN, field="name", value=alias.name)
    aims = read_targets(targets)
    canaries.check_differs(alias.canary, shown_aims(aims))
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
    values = differing(current, _read(fields, current))
    aims = None if targets is None else read_targets(targets)
    before = shown(current)
    after = before if aims is None else shown_aims(aims)
    if not values and after == before:
        return current
    canaries.check_differs(_canary_after(current, values), after)
    if "name" in values:
        _require_no_grants(current)
        require_free(Alias.objects.filter(name=values["name"]), noun=NOUN, field="name", value=values["name"])
    write(current, values, noun=NOUN, before={"targets": before}, after={"targets": after})
    if aims is not None and after != before:
        replace_targets(current, aims)
    return current


def promote_canary(alias: Alias, *, expected_revision: int | None = None) -> Alias:
    """Let the canary take the first target's place, and end the trial. Raises InvalidError, StaleError, MissingError."""
    current = locked(alias, noun=NOUN, expected_revision=expected_revision)
    targets = canaries.promoted(current.strategy, shown(current), canaries.require(current))
    return update_alias(current, targets=targets, canary=None)


def drop_canary(alias: Alias, *, expected_revision: int | None = None) -> Alias:
    """End the trial and keep the targets as they are. Raises InvalidError, StaleError, MissingError."""
    current = locked(alias, noun=NOUN, expected_revision=expected_revision)
    canaries.require(current)
    return update_alias(current, canary=None)


def _read(fields: Mapping[str, Any], alias: Alias | None = None) -> dict[str, Any]:
    """The columns that `fields` mean, with what follows from them."""
    rest = {name: value for name, value in fields.items() if name != "canary"}
    values = retirement.completed(clean(rest, CLEANERS, noun="An alias"), alias)
    return values | (canaries.columns_of(fields["canary"], alias) if "canary" in fields else {})


def _canary_after(alias: Alias, values: Mapping[str, Any]) -> dict[str, Any] | None:
    kept = {name: getattr(alias, name) for name in ("canary_model", "canary_percent", "canary_params", "canary_since")}
    return Alias(**{name: values.get(name, held) for name, held in kept.items()}).canary


def delete_alias(alias: Alias, *, expected_revision: int | None = None) -> None:
    """Delete an alias. Raises InUseError while something names it, StaleError, MissingError.

    That is an agent, the default, a service's grant, or another alias whose replacement it is.
    """
    current = locked(alias, noun=NOUN, expected_revision=expected_revision)
    agents = [dependent_name(agent) for agent in AgentMapping.objects.filter(alias=current)]
    default = [dependent_name(one) for one in DefaultModel.objects.filter(alias=current)]
    replaced = [dependent_name(one) for one in Alias.objects.filter(replacement=current.name).exclude(pk=current.pk)]
    dependents = [*agents, *default, *replaced, *_grants(current)]
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
