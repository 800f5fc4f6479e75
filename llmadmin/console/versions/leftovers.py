"""What going back to a version could not do, in sentences: keys are neither thrown away nor brought back from nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmadmin.config.selectors import diff
from llmadmin.config.services import Change
from llmadmin.console.versions.words import spoken


def left_over(made: Change, *, wanted: int) -> str:
    """How the version that `made` published differs from the one that was to come back; "" where it does not."""
    changes = diff(wanted, made.version)
    stayed = _names(changes, op="create")
    lost = _names(changes, op="delete")
    locked = [
        f"key {one['name']}"
        for one in changes
        if one["object"] == "key" and one["op"] == "update" and (one["after"] or {}).get("state") == "locked"
    ]
    sentences = [
        _sentence(stayed, "stays, switched off", "stay, switched off", "going back throws no key away"),
        _sentence(lost, "did not come back", "did not come back", "a deleted key has to be added again"),
        _sentence(locked, "is locked", "are locked", "enter it again, since the address changed"),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _names(changes: Iterable[Mapping[str, Any]], *, op: str) -> list[str]:
    return [spoken(one["object"], one["name"]) for one in changes if one["op"] == op]


def _sentence(names: list[str], one: str, many: str, reason: str) -> str:
    if not names:
        return ""
    words = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"{words[0].upper()}{words[1:]} {one if len(names) == 1 else many}: {reason}."
