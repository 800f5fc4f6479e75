"""Keys that lie in files or the environment: what became of them there is noted in their rows.

Calls read a changed file by themselves. This is for people, who see its ending, and for health: what was learned of the
old text says nothing of the new one.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from llmadmin.accounts.actors import system_actor
from llmadmin.config.services import change
from llmadmin.vault import recovery, services
from llmadmin.vault.opening import SealedKey, UnreadableKeyError, open_sealed

ACTOR = "key sources"


def refresh_sources(keys: Iterable[SealedKey]) -> int:
    """Take up every key whose text is another than its row says; the number of them. Runs in the runtime's thread."""
    return sum(_refresh(key) for key in keys if key.source_ref)


def _refresh(key: SealedKey) -> bool:
    try:
        text = open_sealed(key, origin=key.origin)
    except UnreadableKeyError as problem:
        recovery.note_errors({key.id: (timezone.now(), str(problem))})
        return False
    if not services.is_other_text(key.id, text):
        return False
    with change(by=system_actor(ACTOR), why=f"{key.source_ref} holds another key now"):
        return services.take_up_source(key.id, text)
