"""Changing agents: which type of agent runs on which alias."""

from __future__ import annotations

from typing import Any

from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, differing, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, FieldError, clean
from llmadmin.catalog.origin import onward
from llmadmin.routing.models import AgentMapping, Alias

NOUN = "agent"


def alias(value: Any) -> Alias:
    if isinstance(value, Alias):
        return value
    found = Alias.objects.filter(name=value).first() if isinstance(value, str) else None
    if found is None:
        raise FieldError(f"There is no alias '{value}'. Create it first, or choose another one.")
    return found


def headers(value: Any) -> dict[str, str]:
    """Headers of an agent, none of which decides where the provider's keys are sent: keys are not locked for an agent."""
    given = take.headers(value)
    moving = next(iter(onward(given)), "")
    if moving:
        name = moving.partition("=")[0]
        raise FieldError(f"{name} decides where the provider's keys are sent. Set it at the provider.", path=name)
    return given


CLEANERS: dict[str, Cleaner] = {
    "name": take.name,
    "alias": alias,
    "params": take.json_object,
    "headers": headers,
    "description": take.text(most=300),
    "source": take.source,
}


def create_agent(*, name: str, alias: Alias | str, source: str = "ui", **fields: Any) -> AgentMapping:
    """An agent on `alias`, with `params`, `headers` and `description`. Raises InvalidError, ConflictError."""
    values = clean({"name": name, "alias": alias, "source": source, **fields}, CLEANERS, noun="An agent")
    require_free(AgentMapping.objects.filter(name=values["name"]), noun=NOUN, field="name", value=values["name"])
    agent = AgentMapping(**values)
    add(agent, noun=NOUN)
    return agent


def update_agent(agent: AgentMapping, *, expected_revision: int | None = None, **fields: Any) -> AgentMapping:
    """Set the given fields and return the row as it is now. Raises InvalidError, StaleError, ConflictError, MissingError."""
    current = locked(agent, noun=NOUN, expected_revision=expected_revision, related=["alias"])
    values = differing(current, clean(fields, CLEANERS, noun="An agent"))
    if not values:
        return current
    if "name" in values:
        same = AgentMapping.objects.filter(name=values["name"])
        require_free(same, noun=NOUN, field="name", value=values["name"])
    write(current, values, noun=NOUN)
    return current


def delete_agent(agent: AgentMapping, *, expected_revision: int | None = None) -> None:
    """Raises StaleError, MissingError."""
    remove(locked(agent, noun=NOUN, expected_revision=expected_revision, related=["alias"]), noun=NOUN)
