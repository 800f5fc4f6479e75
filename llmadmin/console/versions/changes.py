"""A version's changes as people read them: one block for each object, one line for each field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmadmin.config.wording import ABSENT, parts_of
from llmadmin.console.versions.words import named, spoken, value_of

_OPS = {"create": "added", "update": "changed", "delete": "removed"}
_UNITS = (("_usd_per_mtok", "$ per 1M"), ("_s", "s"))
LONG = 280
"""Characters above which a value is folded away."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after, as text; None where that side does not have it."""

    field: str
    before: str | None
    after: str | None

    @property
    def is_long(self) -> bool:
        return max(len(self.before or ""), len(self.after or "")) > LONG


@dataclass(frozen=True, slots=True)
class Block:
    noun: str
    name: str
    op: str
    lines: list[Line]


def blocks_of(changes: Iterable[Mapping[str, Any]]) -> list[Block]:
    return [
        Block(
            *named(str(one["object"]), str(one["name"])),
            _OPS.get(str(one["op"]), str(one["op"])),
            lines_of(one.get("before"), one.get("after")),
        )
        for one in changes
    ]


def lines_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Line]:
    """What differs, lists and mappings taken apart. Where an object was added or removed, the fields that say something."""
    return [
        Line(label_of(part.label), _text(part.label, part.before), _text(part.label, part.after))
        for part in parts_of(before, after)
    ]


def summary_of(changes: Iterable[Mapping[str, Any]]) -> str:
    """`2 models added, alias fast changed`: names where few, counts where many."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in changes:
        grouped.setdefault((str(one["object"]), _OPS.get(str(one["op"]), str(one["op"]))), []).append(str(one["name"]))
    words = [
        f"{spoken(noun, names[0])} {op}" if len(names) == 1 else f"{len(names)} {plural(noun)} {op}"
        for (noun, op), names in grouped.items()
    ]
    return ", ".join(words) or "Nothing that callers see"


def counts_of(changes: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(_OPS.get(str(one["op"]), str(one["op"])) for one in changes)


def label_of(name: str) -> str:
    """A field's name in words, its unit written out."""
    if "." in name:
        return name  # the name inside a mapping is the vendor's own
    for ending, unit in _UNITS:
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')}, {unit}"
    return name.replace("_", " ")


def plural(noun: str) -> str:
    return {"alias": "aliases"}.get(noun, f"{noun}s")


def _text(label: str, value: Any) -> str | None:
    return None if value is ABSENT else value_of(label, value)
