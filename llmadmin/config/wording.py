"""Changes as people read them: `alias sonnet: target 1 was openai/gpt-4.1, is anthropic/claude-sonnet-4-5`.

A change of a list or of a mapping is taken apart, so that only what differs is said, and once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHORT_LIST = 6
_BOOKKEEPING = frozenset({"revision", "id", "created_at", "updated_at"})
_OPS = {"create": "added", "delete": "removed"}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that differs. `label` is the field's name, or a path into it: `params.temperature`, `target 1`.

    `before` or `after` is ABSENT where that side does not have it.
    """

    label: str
    before: Any
    after: Any


class _Absent:
    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


def parts_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Part]:
    """What differs between two sides of an object; of one that came or went, the fields that say something."""
    old, new = before or {}, after or {}
    names = [name for name in (*old, *(name for name in new if name not in old)) if name not in _BOOKKEEPING]
    if before is None or after is None:
        there = new if before is None else old
        said = ((name, there.get(name)) for name in names)
        return [
            Part(name, ABSENT if before is None else value, ABSENT if after is None else value)
            for name, value in said
            if not is_empty(value)
        ]
    return [part for name in names for part in _differing(name, old.get(name), new.get(name))]


def sentences_of(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """One sentence for each thing that differs, in the order of the changes."""
    return [sentence for one in changes for sentence in _sentences(one)]


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _sentences(one: Mapping[str, Any]) -> Iterator[str]:
    called = f"{one['object']} {one['name']}"
    if one["op"] in _OPS:
        yield f"{called}: {_OPS[one['op']]}"
        return
    for part in parts_of(one["before"], one["after"]):
        if part.before is ABSENT:
            yield f"{called}: {part.label} {_plain(part.after)} is new"
        elif part.after is ABSENT:
            yield f"{called}: {part.label} {_plain(part.before)} is gone"
        else:
            yield f"{called}: {part.label} was {_plain(part.before)}, is {_plain(part.after)}"


def _differing(name: str, old: Any, new: Any) -> Iterator[Part]:
    if _same(old, new):
        return
    if name == "targets" and _are_targets(old) and _are_targets(new):
        yield from _targets(old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mapping(name, old, new)
    elif _is_words(old) and _is_words(new) and max(len(old), len(new)) > SHORT_LIST:
        yield Part(
            f"{name}, what differs", [one for one in old if one not in new], [one for one in new if one not in old]
        )
    else:
        yield Part(name, old, new)


def _mapping(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Part]:
    for key in (*old, *(key for key in new if key not in old)):
        if key in old and key in new:
            yield from _differing(f"{name}.{key}", old[key], new[key])
        else:
            yield Part(f"{name}.{key}", old.get(key, ABSENT), new.get(key, ABSENT))


def _targets(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    """Target by target where their number is the same; else which came and which went."""
    before, after = [one["model"] for one in old], [one["model"] for one in new]
    if len(old) == len(new) and sorted(before) != sorted(after):
        for place, (one, other) in enumerate(zip(old, new, strict=True), start=1):
            yield from _target(f"target {place}", one, other)
        return
    yield from (Part(f"target {before.index(name) + 1}", name, ABSENT) for name in before if name not in after)
    yield from (Part(f"target {after.index(name) + 1}", ABSENT, name) for name in after if name not in before)
    stayed_before, stayed_after = [n for n in before if n in after], [n for n in after if n in before]
    if stayed_before != stayed_after:
        yield Part("order of targets", " → ".join(before), " → ".join(after))
    for name in stayed_after:
        place = after.index(name)
        yield from _target(f"target {place + 1}", old[before.index(name)], new[place])


def _target(label: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Part]:
    if old["model"] != new["model"]:
        yield Part(label, old["model"], new["model"])
    for field in ("weight", "params"):
        yield from _differing(f"{label} {field}", old.get(field), new.get(field))


def _same(one: Any, other: Any) -> bool:
    """In JSON, 1 is not true."""
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _are_targets(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "model" in one for one in value)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _plain(value: Any) -> str:
    if is_empty(value):
        return "empty"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
