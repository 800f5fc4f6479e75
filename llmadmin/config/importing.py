"""Configuration as code: a document in, the tables as it says, one version, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from llmadmin.accounts.permissions import SECRETS_WRITE, require
from llmadmin.audit.actor import Actor
from llmadmin.config import ownership
from llmadmin.config.merging import Merger
from llmadmin.config.reading.documents import Reading, read_mapping, read_text
from llmadmin.config.reconciling import Reconciler
from llmadmin.config.selectors import current_publication
from llmadmin.config.services import change, foresee
from llmadmin.config.state import SECTIONS, diff_states, state_of_tables
from llmadmin.config.tables import Tables
from llmadmin.core.fields import Source
from providers.config import LLMConfig

Document = Mapping[str, Any] | str | LLMConfig | Reading


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What an `apply` did, or would do. `changes` are `[{object, name, op, before, after}]`; no secret is in them.

    `warnings` are sentences: what the file says that could not be carried over, what was passed over, what would not work.
    """

    version: int
    changed: bool
    changes: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "changed": self.changed,
            "changes": self.changes,
            "warnings": self.warnings,
        }


class _RehearsedError(Exception):
    """Ends a dry run, so that its transaction is undone."""


def read_document(document: Document) -> Reading:
    """What was given, read; nothing is expanded and no file opened. Raises InvalidError with every problem."""
    match document:
        case Reading():
            return document
        case LLMConfig():
            return Reading(document)
        case str():
            return read_text(document)
    return read_mapping(document)


def apply_document(
    document: Document, *, by: Actor, why: str = "", dry_run: bool = False, owns: bool = True
) -> ApplyResult:
    """Make the tables what `document` says of its objects, in one change, or with `dry_run` only say what would change.

    Its objects are the file's from then on, and those that a file owned earlier and that are gone from it are removed. With
    `owns=False` it is an import that happens once: new objects are people's, what a file owns is passed over, nothing is
    removed. Raises InvalidError, InUseError, ConflictError, ForbiddenError; then nothing is written.
    """
    reading = read_document(document)
    if _holds_secrets(reading.config):
        require(by, SECRETS_WRITE)
    warnings = list(reading.warnings)
    found: list[dict[str, Any]] = []
    version = 0
    try:
        with transaction.atomic():
            with change(by=by, why=why or f"Applied {reading.name}") as made:
                found += _apply(reading.config, by=by, owns=owns, warnings=warnings)
                warnings += _displaced(reading.name, found) if owns else []
                if dry_run:
                    warnings += foresee()
                    raise _RehearsedError
            version = made.version
            warnings += made.warnings
            if owns:
                ownership.note_applied(name=reading.name, digest=reading.digest, by=by, version=version)
    except _RehearsedError:
        version = current_publication()[0]
    return ApplyResult(version=version, changed=bool(found), changes=found, warnings=warnings)


def plan_changes(document: Document, *, by: Actor) -> list[dict[str, Any]]:
    """What `apply_document` would change: it is done and undone, so that the answer is the truth."""
    return apply_document(document, by=by, dry_run=True).changes


def _apply(config: LLMConfig, *, by: Actor, owns: bool, warnings: list[str]) -> list[dict[str, Any]]:
    rows = Tables.read()
    before = state_of_tables(rows)
    left = _left_alone(config, rows, owns=owns, warnings=warnings)
    brings = Source.FILE.value if owns else (Source.API.value if by.source == Source.API else Source.UI.value)
    merged = Merger(config, before, passed_over=left, brings=brings)
    warnings += [f"{_called(one)} is not in the file and is switched off, so it stays." for one in merged.kept_off]
    entered = Reconciler(merged.desired, secrets=merged.secrets, awaits_keys=True, rows=rows).run()
    changes = diff_states(before, state_of_tables(Tables.read()))
    shown = {(one["object"], one["name"]) for one in changes}
    return changes + [one for one in entered if (one["object"], one["name"]) not in shown]


def _displaced(name: str, changes: list[dict[str, Any]]) -> list[str]:
    """One file owns what files own: another one takes its place, which is worth a word where something goes by it."""
    held = ownership.applied_file()
    gone = sum(1 for one in changes if one["op"] == "delete")
    if held is None or held.name == name or not gone:
        return []
    return [
        (
            f"{name} takes the place of {held.name}: {gone} {'object goes' if gone == 1 else 'objects go'} that it does not name. To "
            "add what it brings to what is there, import it once."
        )
    ]


def _left_alone(config: LLMConfig, rows: Tables, *, owns: bool, warnings: list[str]) -> set[tuple[str, str]]:
    """What the document names and does not decide, each said in a warning."""
    named = _named_by(config)
    left: set[tuple[str, str]] = set()
    if owns:
        for one, who in ownership.passed_over(rows).items():
            left.add(one)
            if one in named:
                warnings.append(
                    f"{_called(one)} was taken over by {who}, so what the file says of it is passed over. Give it back to "
                    "let the file rule again, or take it out of the file."
                )
    else:
        left = ownership.owned_names(rows)
        held = ownership.applied_file()
        name = held.name if held else "a config file"
        warnings += [f"{_called(one)} belongs to {name} and is passed over." for one in sorted(left & named)]
    return left


def _named_by(config: LLMConfig) -> set[tuple[str, str]]:
    sections: dict[str, Mapping[str, Any]] = {
        "providers": config.providers,
        "models": config.models,
        "aliases": config.aliases,
        "agents": config.agents,
    }
    named = {(section, name) for section, entries in sections.items() for name in entries}
    return named | ({("default", "default_model")} if config.default_model else set())


def _called(one: tuple[str, str]) -> str:
    section, name = one
    return "The default model" if section == "default" else f"The {SECTIONS[section]} {name}"


def _holds_secrets(config: LLMConfig) -> bool:
    return any(key.api_key for provider in config.providers.values() for key in provider.keys) or any(
        model.api_key for model in config.models.values()
    )
