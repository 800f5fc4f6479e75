"""Keys that stop working and work again: found out by calls, kept in the row, so that it outlives a restart and all servers know.

    active or draining ── the provider refuses it ──▶ failed ── a probe, or a call, succeeds ──▶ as it was

Each step compares before it sets: what was learned of a text that has been replaced meanwhile says nothing of the new one,
and of several servers that see the same failure one writes it. Only answers of the provider count. A failed key is asked
again after a pause that doubles with each failure since a call last succeeded, by whoever moves `probe_at` forward.

Versions do not know of it: they keep what people decided (`ApiKey.intended_state`).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping

from django.db.models import Q
from django.utils import timezone

from llmadmin.accounts.permissions import SECRETS_WRITE, guard
from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.core.redaction import redact_text
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.services import name_of, save_row

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 1800.0


def pause_s(failures: int) -> float:
    """How long a key rests after its n-th failure in a row."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(max(failures, 1) - 1, 30))


def fail_key(key_id: uuid.UUID, *, entered_at: dt.datetime, error_class: str, reason: str) -> bool:
    """Take a key out of use because its provider refused it. Inside `config.change`; False where that is out of date."""
    key = _row(key_id, Q(state__in=(KeyState.ACTIVE, KeyState.DRAINING)), entered_at)
    if key is None:
        return False
    before = state_of(key)
    key.failure_count = min(key.failure_count + 1, 1000)
    key.probe_at = timezone.now() + dt.timedelta(seconds=pause_s(key.failure_count))
    key.resumes_as, key.state = key.state, KeyState.FAILED.value
    key.failure_class = error_class[:32]
    key.state_reason = redact_text(reason)[:300]
    key.last_error, key.last_error_at = redact_text(reason)[:500], timezone.now()
    save_row(key)
    note("fail", "key", name_of(key), before=before, after=state_of(key))
    return True


def recover_key(key_id: uuid.UUID, *, entered_at: dt.datetime, is_proven: bool = False) -> bool:
    """Put a failed key back where it was. Inside `config.change`; False where that is out of date.

    A call that was answered proves the key. A probe that was answered only takes it back on trial: its failures so far
    keep counting, since what lists models need not have credit.
    """
    key = _row(key_id, Q(state=KeyState.FAILED), entered_at)
    if key is None:
        return False
    before = state_of(key)
    key.state, key.state_reason, key.resumes_as = key.intended_state, "", ""
    key.probe_at = None
    if is_proven:
        key.failure_class, key.failure_count = "", 0
    save_row(key)
    note("recover", "key", name_of(key), before=before, after=state_of(key))
    return True


def due_for_probe(*, limit: int = 50) -> list[ApiKey]:
    """Failed keys whose pause is over, the longest waiting first."""
    due = ApiKey.objects.filter(state=KeyState.FAILED, probe_at__lte=timezone.now(), provider__enabled=True)
    return list(due.exclude(resumes_as=KeyState.DISABLED).select_related("provider").order_by("probe_at")[:limit])


def claim_probe(key: ApiKey) -> bool:
    """Be the one who asks this key now. Exactly one of all who saw the same `probe_at` gets True."""
    following = timezone.now() + dt.timedelta(seconds=pause_s(key.failure_count))
    seen = ApiKey.objects.filter(pk=key.pk, state=KeyState.FAILED, probe_at=key.probe_at)
    return bool(seen.update(probe_at=following))


def note_probe_failed(key: ApiKey, reason: str) -> None:
    """The provider still refuses: the next pause is twice as long. No audit entry, since nothing became different."""
    count = min(key.failure_count + 1, 1000)
    following = timezone.now() + dt.timedelta(seconds=pause_s(count))
    same = ApiKey.objects.filter(pk=key.pk, state=KeyState.FAILED, entered_at=key.entered_at)
    same.update(
        failure_count=count, probe_at=following, last_error=redact_text(reason)[:500], last_error_at=timezone.now()
    )


def note_proven(key_ids: Iterable[uuid.UUID]) -> None:
    """Calls over these keys were answered: failures of the past count no more."""
    working = ApiKey.objects.filter(pk__in=list(key_ids), state__in=(KeyState.ACTIVE, KeyState.DRAINING))
    working.filter(failure_count__gt=0).update(failure_count=0, failure_class="")


def note_errors(errors: Mapping[uuid.UUID, tuple[dt.datetime, str]]) -> None:
    """Keep the last error of each key, never going back in time. No audit entry, no version."""
    for key_id, (at, message) in errors.items():
        earlier = Q(last_error_at__isnull=True) | Q(last_error_at__lt=at)
        ApiKey.objects.filter(earlier, pk=key_id).update(last_error=redact_text(message)[:500], last_error_at=at)


def _row(key_id: uuid.UUID, is_as_seen: Q, entered_at: dt.datetime) -> ApiKey | None:
    guard(SECRETS_WRITE)
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("provider")
    return rows.filter(is_as_seen, pk=key_id, entered_at=entered_at).first()
