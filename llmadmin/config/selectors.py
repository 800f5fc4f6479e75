"""Reading what is published."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from llmadmin.config.models import ConfigVersion, Publication
from llmadmin.config.state import diff_states, empty_state
from llmadmin.core.errors import MissingError
from providers.config import LLMConfig


def latest(*, with_document: bool = True) -> ConfigVersion:
    """The version in force. Before the first one is published, an empty version 0, which is no row."""
    rows = ConfigVersion.objects.order_by("-number")
    return (rows if with_document else rows.defer("document", "changes")).first() or nothing_published()


def nothing_published() -> ConfigVersion:
    empty = LLMConfig()
    return ConfigVersion(
        number=0, hash=empty.hash, document=empty.to_document(), restore_state=empty_state(), actor_label=""
    )


def versions() -> QuerySet[ConfigVersion]:
    """The history, the newest first, without the bulky parts."""
    return ConfigVersion.objects.defer("document", "restore_state", "changes").order_by("-number")


def get_version(number: int, *, with_document: bool = True) -> ConfigVersion:
    """Raises MissingError. The document is bulky, and only who serves it needs it."""
    rows = ConfigVersion.objects.filter(number=number)
    found = (rows if with_document else rows.defer("document")).first()
    if found is None:
        raise MissingError(f"There is no version {number}.")
    return found


def current_publication() -> tuple[int, int]:
    """(version, revision) in force; (0, 0) before anything was. One query by primary key: every process polls it."""
    found = Publication.objects.filter(pk=1).values_list("version", "revision").first()
    return found or (0, 0)


def diff(before: ConfigVersion | int, after: ConfigVersion | int) -> list[dict[str, Any]]:
    """What became different from one version to another, as `[{object, name, op, before, after}]`. Raises MissingError."""
    old = get_version(before, with_document=False) if isinstance(before, int) else before
    new = get_version(after, with_document=False) if isinstance(after, int) else after
    return diff_states(old.restore_state, new.restore_state)
