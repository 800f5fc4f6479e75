"""Configuration as code: a document in, the tables as it says, one version, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmadmin.accounts.permissions import SECRETS_WRITE, require
from llmadmin.audit.actor import Actor
from llmadmin.catalog.fields import invalid
from llmadmin.config import checks
from llmadmin.config.compiler import compile_config
from llmadmin.config.merging import Merger
from llmadmin.config.reconciling import Reconciler
from llmadmin.config.selectors import current_publication
from llmadmin.config.services import change
from llmadmin.config.state import diff_states, state_of_tables
from llmadmin.config.tables import Tables
from providers.config import ConfigError, LLMConfig
from providers.sources import from_mapping, parse_yaml

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
MAX_VALUES = 500_000
MAX_DEPTH = 50
_EXPANDED_FIELDS = frozenset({"api_key", "base_url", "api_base", "api_url", "endpoint"})


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What an `apply` did, or would do. `changes` are `[{object, name, op, before, after}]`; no secret is in them."""

    version: int
    changed: bool
    changes: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"version": self.version, "changed": self.changed, "changes": self.changes}


class _RehearsedError(Exception):
    """Ends a dry run, so that its transaction is undone."""


def read_document(document: Mapping[str, Any] | str) -> LLMConfig:
    """A config from a parsed document or from YAML or JSON text, nothing expanded. Raises InvalidError with every problem."""
    try:
        raw = parse_yaml(document) if isinstance(document, str) else document
        if not isinstance(raw, Mapping):
            raise invalid({"document": "Give a mapping with sections such as providers and models."})
        _refuse_references(raw)
        return from_mapping(raw)
    except ConfigError as problem:
        raise invalid({dotted(path): sentence for path, sentence in problem.fields.items()}) from None


def dotted(path: str) -> str:
    """`aliases.safe.targets[0].model` → `aliases.safe.targets.0.model`, as all our paths are written."""
    return re.sub(r"\[(\d+)\]", r".\1", path)


def apply_document(
    document: Mapping[str, Any] | str | LLMConfig, *, by: Actor, why: str = "", dry_run: bool = False
) -> ApplyResult:
    """Make the tables what `document` says of its objects, in one change, or with `dry_run` only say what would change.

    Its objects are the file's from then on, and those that a file owned earlier and that are gone from it are removed.
    Raises InvalidError, InUseError, ConflictError, ForbiddenError; then nothing is written.
    """
    config = document if isinstance(document, LLMConfig) else read_document(document)
    if _holds_secrets(config):
        require(by, SECRETS_WRITE)
    found: list[dict[str, Any]] = []
    version = 0
    try:
        with change(by=by, why=why or "Applied a config file") as made:
            found += _apply(config)
            if dry_run:
                checks.run(compile_config())
                raise _RehearsedError
        version = made.version
    except _RehearsedError:
        version = current_publication()[0]
    return ApplyResult(version=version, changed=bool(found), changes=found)


def plan_changes(config: LLMConfig | Mapping[str, Any] | str, *, by: Actor) -> list[dict[str, Any]]:
    """What `apply_document` would change: it is done and undone, so that the answer is the truth."""
    return apply_document(config, by=by, dry_run=True).changes


def _apply(config: LLMConfig) -> list[dict[str, Any]]:
    rows = Tables.read()
    before = state_of_tables(rows)
    merged = Merger(config, before)
    entered = Reconciler(merged.desired, secrets=merged.secrets, awaits_keys=True, rows=rows).run()
    changes = diff_states(before, state_of_tables(Tables.read()))
    shown = {(one["object"], one["name"]) for one in changes}
    return changes + [one for one in entered if (one["object"], one["name"]) not in shown]


def _holds_secrets(config: LLMConfig) -> bool:
    return any(key.api_key for provider in config.providers.values() for key in provider.keys) or any(
        model.api_key for model in config.models.values()
    )


def _refuse_references(document: Mapping[str, Any]) -> None:
    """A `${NAME}` that got here was not meant to be kept literally: as a key or an address it would be sent as such.

    Written aliases (`*name`) make a short text a huge or endless document, so its values are counted on the way.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        for name, item in _inner(value):
            count += 1
            where = (*path, name)
            if count > MAX_VALUES or len(where) > MAX_DEPTH:
                raise invalid({"document": f"Give at most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep."})
            if name in _EXPANDED_FIELDS and isinstance(item, str) and _REFERENCE.search(item):
                sentence = "Give the value itself: ${NAME} is expanded by the command line only (llmadmin apply)."
                raise invalid({".".join(where): sentence})
            waiting.append((where, item))


def _inner(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(name), item) for name, item in value.items()]
    return [(str(place), item) for place, item in enumerate(value)] if isinstance(value, list | tuple) else []
