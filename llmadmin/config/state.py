"""What a version keeps to restore the tables, and how two of them differ.

    {"providers": {slug: entry}, "keys": {"slug/label": …}, "models": {"provider/name": …}, "prices": {"provider/name from 2026-01-01": …},
     "aliases": {name: …}, "agents": {name: …}, "default": {"default_model": {"target": …}}}

An entry holds the row's `id` and those of its fields that are not at their default, in JSON's own types. Secrets are in none.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.config.tables import Tables
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel
from llmadmin.vault.models import ApiKey
from providers.document import plain_decimal, write_time
from providers.entries import PRICE_FIELDS

Entry = dict[str, Any]
State = dict[str, dict[str, Entry]]

SECTIONS = {
    "providers": "provider",
    "keys": "key",
    "models": "model",
    "prices": "price",
    "aliases": "alias",
    "agents": "agent",
    "default": "default",
}
"""Section → the word that changes call its objects."""
DEFAULT = "default_model"
FIELDS: dict[str, tuple[str, ...]] = {
    "providers": (
        *(
            "kind",
            "label",
            "base_url",
            "default_model",
            "timeout_s",
            "max_retries",
            "retry_delay_s",
            "retry_max_delay_s",
        ),
        *("retry_on", "fallback_on", "headers", "options", "enabled", "source"),
    ),
    "keys": (
        *("environment", "weight", "allowed_models", "calls_per_minute", "tokens_per_minute", "source_ref"),
        *("state", "state_reason", "expires_at", "source"),
    ),
    "models": ("api_url", "context_window", "max_output_tokens", "capabilities", "parameters", "enabled", "source"),
    "prices": (*PRICE_FIELDS, "tiers", "source"),
    "aliases": (
        *("strategy", "params", "cache_ttl_s", "description", "source", "canary"),
        *("deprecated", "deprecated_at", "replacement", "sunset_at", "after_sunset"),
    ),
    "agents": ("params", "headers", "description", "source"),
    "default": ("source",),
}
_BLANK = {
    "providers": Provider(),
    "keys": ApiKey(),
    "models": LanguageModel(),
    "prices": Price(),
    "aliases": Alias(),
    "agents": AgentMapping(),
    "default": DefaultModel(),
}
_DEFAULTS: dict[str, Entry] = {
    section: {name: getattr(_BLANK[section], name) for name in names} for section, names in FIELDS.items()
}


def state_of_tables(rows: Tables) -> State:
    return {
        "providers": {row.slug: _entry("providers", row) for row in rows.providers},
        "keys": {f"{row.provider.slug}/{row.label}": _key_entry(row) for row in rows.keys},
        "models": {row.full_name: _entry("models", row) for row in rows.models.values()},
        "prices": {
            price_name(row.model.full_name, row.effective_from): _entry(
                "prices", row, model=row.model.full_name, effective_from=write_time(row.effective_from)
            )
            for row in rows.prices
        },
        "aliases": {
            row.name: _entry(
                "aliases",
                row,
                targets=[
                    {"model": target.model.full_name, "weight": target.weight, "params": target.params}
                    for target in rows.targets[row.pk]
                ],
            )
            for row in rows.aliases
        },
        "agents": {row.name: _entry("agents", row, alias=row.alias.name) for row in rows.agents},
        "default": {DEFAULT: _entry("default", rows.default, target=rows.default.target_name)} if rows.default else {},
    }


def empty_state() -> State:
    return {section: {} for section in SECTIONS}


def price_name(model: str, effective_from: dt.datetime) -> str:
    """`openai/gpt-4.1 from 2026-01-01`, with the time where it is not midnight in UTC."""
    at = effective_from.astimezone(dt.UTC)
    return f"{model} from {at.date() if at.time() == dt.time() else write_time(at)}"


def _entry(section: str, row: Any, **more: Any) -> Entry:
    return {"id": _plain(row.pk), **more, **brief(section, {name: getattr(row, name) for name in FIELDS[section]})}


def _key_entry(row: ApiKey) -> Entry:
    return {"id": _plain(row.pk), **brief("keys", key_values(row))}


def key_values(row: ApiKey) -> Entry:
    """A key's fields as people decided them: that its provider refuses it for now is no configuration."""
    values = {name: getattr(row, name) for name in FIELDS["keys"]}
    return values | {"state": row.intended_state, "state_reason": row.intended_reason}


def brief(section: str, values: Mapping[str, Any]) -> Entry:
    """`values` in JSON's own types, without what is at its default."""
    defaults = _DEFAULTS[section]
    return {name: _plain(value) for name, value in values.items() if name not in defaults or value != defaults[name]}


def whole(section: str, entry: Mapping[str, Any]) -> Entry:
    """The entry with its defaults, without its id."""
    return {name: value for name, value in {**_DEFAULTS[section], **entry}.items() if name != "id"}


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same to the letter: 1 is not true."""
    return bool(one == other) and (isinstance(one, str) or canonical(one) == canonical(other))


def canonical(value: Any) -> bytes:
    """One way to write a JSON value, for comparing."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_plain)


def diff_states(before: State, after: State) -> list[Entry]:
    """What differs, as `[{object, name, op, before, after}]`: whole objects that came or went, else the changed fields."""
    changes = []
    for section, noun in SECTIONS.items():
        old, new = before.get(section, {}), after.get(section, {})
        for name in sorted({*old, *new}):
            change = _change(section, old.get(name), new.get(name))
            if change:
                changes.append({"object": noun, "name": name, **change})
    return changes


def _change(section: str, old: Entry | None, new: Entry | None) -> Entry | None:
    if old is None:
        return {"op": "create", "before": None, "after": _shown(new or {})}
    if new is None:
        return {"op": "delete", "before": _shown(old), "after": None}
    if is_same(old, new):
        return None
    whole_old, whole_new = whole(section, old), whole(section, new)
    names = [name for name in {**whole_old, **whole_new} if not is_same(whole_old.get(name), whole_new.get(name))]
    if not names:
        return None
    return {
        "op": "update",
        "before": {name: _plain(whole_old.get(name)) for name in names},
        "after": {name: _plain(whole_new.get(name)) for name in names},
    }


def _shown(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name != "id"}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain_decimal(value)
        case dt.datetime():
            return write_time(value)
        case uuid.UUID():
            return str(value)
    return str(value) if type(value) is not str and isinstance(value, str) else value
