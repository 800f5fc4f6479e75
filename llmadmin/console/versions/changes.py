"""A version's changes as people read them: one block for each object, one line for each field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmadmin.console.versions.words import named, spoken, value_of

_OPS = {"create": "added", "update": "changed", "delete": "removed"}
_UNITS = (("_usd_per_mtok", "$ per 1M"), ("_s", "s"))
_HIDDEN = frozenset({"revision", "id", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after, as text; None where that side has no such object."""

    field: str
    before: str | None
    after: str | None


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
    """The fields that differ. Where an object was added or removed, those that say something."""
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    lines = []
    for name in names:
        if name in _HIDDEN or (name in old and name in new and old[name] == new[name]):
            continue
        if (before is None and _is_empty(new.get(name))) or (after is None and _is_empty(old.get(name))):
            continue
        lines.append(Line(label_of(name), _text(old, name, before), _text(new, name, after)))
    return lines


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


def counts_of(blocks: Iterable[Block]) -> Counter[str]:
    return Counter(block.op for block in blocks)


def label_of(name: str) -> str:
    """A field's name in words, its unit written out."""
    for ending, unit in _UNITS:
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')}, {unit}"
    return name.replace("_", " ")


def plural(noun: str) -> str:
    return {"alias": "aliases"}.get(noun, f"{noun}s")


def _text(side: Mapping[str, Any], name: str, whole: Mapping[str, Any] | None) -> str | None:
    return None if whole is None else value_of(name, side.get(name))


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}
