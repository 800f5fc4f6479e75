"""What happens to API keys by itself: failed ones are asked again, drained ones are retired."""

from __future__ import annotations

import structlog
from asgiref.sync import async_to_sync
from celery import shared_task

from llmadmin.accounts.actors import system_actor
from llmadmin.catalog.origin import origin_of
from llmadmin.config.services import change
from llmadmin.core.errors import DomainError
from llmadmin.gateway.checks import check_provider
from llmadmin.vault import recovery, rotation
from llmadmin.vault.models import ApiKey
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_of

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def probe_failed_keys() -> int:
    """Ask each failed key whose pause is over something that costs nothing. Says how many work again.

    One short query when there are none. Of several that run at once, one asks each key.
    """
    return sum(_probe(key) for key in recovery.due_for_probe() if recovery.claim_probe(key))


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def retire_quiet_keys() -> int:
    """End rotations that were told to end by themselves, once nothing uses the old key any more. Says how many."""
    retired = 0
    for found in rotation.quiet_rotations():
        try:
            with change(by=system_actor("key rotation"), why=f"No call used {found.old_key.label} any more"):
                rotation.retire(found)
        except DomainError as refused:
            log.warning("a drained key was not retired", key=str(found.old_key_id), reason=refused.message)
        else:
            retired += 1
    return retired


def _probe(key: ApiKey) -> bool:
    """Whether the key works again; the check itself notes that. What only we can't read says nothing of the key."""
    try:
        open_sealed(sealed_of(key), origin=origin_of(key.provider))
    except UnreadableKeyError:
        return False
    report = async_to_sync(check_provider)(key.provider, key=key)
    if report.step == "key":
        recovery.note_probe_failed(key, report.message)
    return report.is_healthy
