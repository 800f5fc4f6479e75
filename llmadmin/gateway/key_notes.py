"""What calls teach about API keys: last use, last error, and which of them their provider refuses or takes again.

Collected in memory while calls settle, written by the runtime's thread; nothing here is on the path of a call but a look
at its attempts. Only what the provider itself answered counts.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from llmadmin.accounts.actors import system_actor
from llmadmin.config.services import change
from llmadmin.core.redaction import redact_text
from llmadmin.gateway.snapshot import Snapshot
from llmadmin.vault import recovery, services
from llmadmin.vault.opening import SealedKey
from providers.plan import Attempt

log = structlog.get_logger(__name__)

ACTOR = "key health"
MAX_WAITING = 5_000
REFUSALS_TO_FAIL = 3
"""A 403 may mean one model or one region; so many in a row, without an answer between them, mean the key."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A key that its provider refused, as it was when the call took it."""

    key: SealedKey
    error_class: str
    reason: str


class KeyNotes:
    """The notes since the last writing. `note` belongs to the event loop, `write` to the runtime's thread."""

    def __init__(self, *, on_news: Callable[[], None] = lambda: None) -> None:
        self._on_news = on_news
        self._used: dict[str, float] = {}
        self._errors: dict[str, tuple[float, str]] = {}
        self._failed: dict[str, Failure] = {}
        self._proven: dict[str, SealedKey] = {}
        self._refusals: Counter[str] = Counter()

    def note(self, attempts: Sequence[Attempt], snapshot: Snapshot) -> None:
        """A call is over. `snapshot` is the one that it was planned on, so its keys are those that were really sent."""
        for attempt in attempts:
            key_id = attempt.key_id
            if key_id is None:
                continue
            self._used[key_id] = time.time()
            if attempt.status == "ok":
                if self._refusals:
                    self._refusals.pop(key_id, None)
                if key_id in snapshot.suspects:
                    self._note_proven(snapshot.suspects[key_id])
            elif attempt.status == "error" and attempt.upstream_status is not None:
                self._note_error(attempt, snapshot)

    @property
    def has_news(self) -> bool:
        """Whether something waits that other servers should hear of at once."""
        return bool(self._failed or self._proven)

    def write_news(self) -> None:
        """Write which keys failed and which work again: one change each, so that one's refusal undoes no other's."""
        while self._failed:
            failure = self._failed[next(iter(self._failed))]
            with change(by=system_actor(ACTOR), why="The provider refused this key"):
                recovery.fail_key(
                    failure.key.id,
                    entered_at=failure.key.entered_at,
                    error_class=failure.error_class,
                    reason=failure.reason,
                )
            self._failed.pop(str(failure.key.id), None)
        while self._proven:
            key = self._proven[next(iter(self._proven))]
            if key.state == "failed":
                with change(by=system_actor(ACTOR), why="A call over this key was answered"):
                    recovery.recover_key(key.id, entered_at=key.entered_at, is_proven=True)
            recovery.note_proven([key.id])
            self._proven.pop(str(key.id), None)

    def write_uses(self) -> None:
        """Write last uses and last errors, which no other server waits for."""
        used, self._used = self._used, {}
        errors, self._errors = self._errors, {}
        if used:
            services.note_keys_used({uuid.UUID(one): _moment(at) for one, at in used.items() if _is_uuid(one)})
        if errors:
            recovery.note_errors(
                {uuid.UUID(one): (_moment(at), text) for one, (at, text) in errors.items() if _is_uuid(one)}
            )

    def _note_proven(self, key: SealedKey) -> None:
        self._proven[str(key.id)] = key
        self._on_news()

    def _note_error(self, attempt: Attempt, snapshot: Snapshot) -> None:
        key_id = attempt.key_id or ""
        if len(self._errors) < MAX_WAITING:
            self._errors[key_id] = (time.time(), f"{attempt.upstream_status}: {attempt.message}"[:500])
        key = snapshot.keys_by_id.get(key_id)
        if key is None or key.state == "failed" or not self._is_final(attempt):
            return
        reason = redact_text(f"{attempt.provider} answered {attempt.upstream_status}: {attempt.message}")
        self._failed[key_id] = Failure(key, attempt.error_class or "", reason)
        self._on_news()

    def _is_final(self, attempt: Attempt) -> bool:
        """Whether this answer says that the key itself is no good, not only this call."""
        if attempt.error_class == "resource_exhausted" or attempt.upstream_status == 401:
            return True
        if attempt.error_class != "authentication":
            return False
        key_id = attempt.key_id or ""
        if len(self._refusals) < MAX_WAITING:
            self._refusals[key_id] += 1
        return self._refusals[key_id] >= REFUSALS_TO_FAIL


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
