"""Short notices after an act: what was saved, as which version, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest

if TYPE_CHECKING:
    from llmadmin.config.services import Change

_VERSION_TAG = "version:"
SHOWN_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Toast:
    """`level` is `success`, `info`, `warning` or `error`; with a `version` it offers See diff, and Undo."""

    text: str
    level: str
    version: int | None = None

    @property
    def can_undo(self) -> bool:
        """Before the first version there is nothing to go back to."""
        return self.version is not None and self.version > 1


def notify(request: HttpRequest, text: str, *, level: int = messages.SUCCESS) -> None:
    messages.add_message(request, level, text)


def notify_saved(request: HttpRequest, change: Change, *, what: str = "Saved", but: str = "") -> None:
    """Say what was done ("Provider saved"), as which version where it made one, and what is left to know: `but`, in
    sentences, and what in the new version would not work.
    """
    but = " ".join([but, *change.grave[:SHOWN_SENTENCES]]).strip()
    if len(change.grave) > SHOWN_SENTENCES:
        but = f"{but} And {len(change.grave) - SHOWN_SENTENCES} more, on the version's page."
    level = messages.WARNING if but else messages.SUCCESS
    if not change.did_publish:
        messages.add_message(request, level, f"{what}. {but}".strip())
        return
    text = f"{what} as v{change.version}" if what.endswith("saved") else f"{what}: v{change.version}"
    text = f"{text}. {but}" if but else text
    messages.add_message(request, level, text, extra_tags=f"{_VERSION_TAG}{change.version}")


def toasts_of(request: HttpRequest) -> list[Toast]:
    """The notices that wait for this reader; reading removes them."""
    return [
        Toast(str(message), message.level_tag, _version_in((message.extra_tags or "").split()))
        for message in messages.get_messages(request)
    ]


def _version_in(tags: Iterable[str]) -> int | None:
    numbers = [tag.removeprefix(_VERSION_TAG) for tag in tags if tag.startswith(_VERSION_TAG)]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else None
