"""Who owns what: the config file that was applied last, or people, who may take an object over from it and give it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import find_models
from llmadmin.config.models import AppliedFile, Takeover
from llmadmin.config.services import Change, change
from llmadmin.config.state import DEFAULT
from llmadmin.config.tables import Tables
from llmadmin.core.errors import ConflictError, InvalidError, MissingError
from llmadmin.core.fields import Source
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel

_FIND: dict[str, Callable[[str], Any]] = {
    "provider": lambda name: Provider.objects.filter(slug=name).first(),
    "model": lambda name: find_models({name}).get(name),
    "alias": lambda name: Alias.objects.filter(name=name).first(),
    "agent": lambda name: AgentMapping.objects.filter(name=name).first(),
    "default": lambda _: DefaultModel.objects.first(),
}
NOUNS = tuple(_FIND)
PEOPLE, FILE = "people", "file"


def applied_file() -> AppliedFile | None:
    """The config file that was applied last, with who did it and when."""
    return AppliedFile.objects.first()


def takeover_of(noun: str, row: Any) -> Takeover | None:
    """Who took the object over from a file, and when; None where nobody did."""
    return Takeover.objects.filter(object_type=noun, object_id=str(row.pk)).first()


def note_applied(*, name: str, digest: str, by: Actor, version: int) -> None:
    """Keep which file the objects of source `file` come from."""
    AppliedFile.objects.update_or_create(
        pk=1,
        defaults={
            "name": name[:200],
            "digest": digest,
            "applied_at": timezone.now(),
            "actor_label": by.label[:254],
            "version": version,
        },
    )


def owned_by_file() -> dict[str, int]:
    """How many objects of each noun are the file's."""
    counted: dict[str, QuerySet[Any]] = {
        "provider": Provider.objects.all(),
        "model": LanguageModel.objects.all(),
        "alias": Alias.objects.all(),
        "agent": AgentMapping.objects.all(),
        "default": DefaultModel.objects.all(),
    }
    return {noun: rows.filter(source=Source.FILE).count() for noun, rows in counted.items()}


def set_owner(noun: str, name: str, owner: str, *, by: Actor, why: str = "") -> Change:
    """Take an object over from its file (`people`), or give it back (`file`).

    The next `apply` passes over what was taken, and brings back what was given: to what the file says, or out of the tables
    where the file names it no more. Raises InvalidError, MissingError, ConflictError, ForbiddenError.
    """
    if noun not in _FIND:
        raise InvalidError.of(object=f"Choose one of {', '.join(NOUNS)}.")
    if owner not in (PEOPLE, FILE):
        raise InvalidError.of(owner=f"Choose {PEOPLE} or {FILE}.")
    with change(by=by, why=why) as made:
        row = _FIND[noun](name)
        if row is None:
            raise MissingError(f"There is no {noun} '{name}'.")
        if owner == PEOPLE:
            _take_over(noun, row, by=by)
        else:
            _give_back(noun, row)
    return made


def take_all_over(*, by: Actor, why: str = "") -> Change:
    """Everything that the file owns becomes people's; the file then owns nothing until it is given something back."""
    with change(by=by, why=why or "Took over all that the config file owned") as made:
        for noun, rows in _owned_rows(Tables.read()).items():
            for row in rows:
                _take_over(noun, row, by=by)
    return made


def passed_over(rows: Tables) -> dict[tuple[str, str], str]:
    """What an `apply` leaves alone because people took it over: `(section, name)` → who did."""
    taken = {(one.object_type, one.object_id): one.actor_label for one in Takeover.objects.all()}
    if not taken:
        return {}
    return {
        (section, name): taken[noun, str(row.pk)]
        for noun, section, name, row in _named(rows)
        if row.source != Source.FILE and (noun, str(row.pk)) in taken
    }


def owned_names(rows: Tables) -> set[tuple[str, str]]:
    """What is the file's, as `(section, name)`."""
    return {(section, name) for _, section, name, row in _named(rows) if row.source == Source.FILE}


def _named(rows: Tables) -> list[tuple[str, str, str, Any]]:
    return [
        *(("provider", "providers", row.slug, row) for row in rows.providers),
        *(("model", "models", row.full_name, row) for row in rows.models.values()),
        *(("alias", "aliases", row.name, row) for row in rows.aliases),
        *(("agent", "agents", row.name, row) for row in rows.agents),
        *([("default", "default", DEFAULT, rows.default)] if rows.default else []),
    ]


def _owned_rows(rows: Tables) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {noun: [] for noun in NOUNS}
    for noun, _, _, row in _named(rows):
        if row.source == Source.FILE:
            found[noun].append(row)
    return found


def _take_over(noun: str, row: Any, *, by: Actor) -> None:
    if row.source != Source.FILE:
        raise ConflictError(f"The {noun} '{row}' belongs to no file: it can be changed here already.")
    _write(noun, row, Source.API if by.source == Source.API else Source.UI)
    Takeover.objects.update_or_create(
        object_type=noun, object_id=str(row.pk), defaults={"actor_label": by.label[:254], "at": timezone.now()}
    )
    note("take over", noun, str(row), before={"source": Source.FILE}, after={"source": row.source})


def _give_back(noun: str, row: Any) -> None:
    found = Takeover.objects.filter(object_type=noun, object_id=str(row.pk))
    if row.source == Source.FILE or not found.exists():
        raise ConflictError(f"The {noun} '{row}' was not taken over from a file, so there is nothing to give back.")
    before = row.source
    _write(noun, row, Source.FILE)
    found.delete()
    note("give back", noun, str(row), before={"source": before}, after={"source": Source.FILE})


def _write(noun: str, row: Any, source: Source) -> None:
    row.source = source
    fields = ["source"]
    if noun != "default":
        row.revision += 1
        fields += ["revision", "updated_at"]
    row.save(update_fields=fields)
    if noun == "model":
        # The prices that the file named go along; given back, the file's next `apply` names its price again.
        Price.objects.filter(model=row, source=Source.FILE).update(source=source)
