"""The step of a rotation that asks the provider: does the new key work?"""

from __future__ import annotations

from asgiref.sync import async_to_sync

from llmadmin.accounts.permissions import SECRETS_WRITE, require
from llmadmin.audit.actor import Actor
from llmadmin.config.services import change
from llmadmin.gateway.checks import check_provider
from llmadmin.vault import rotation
from llmadmin.vault.models import KeyRotation
from llmadmin.vault.selectors import get_key


def check_new_key(under_way: KeyRotation, *, by: Actor) -> KeyRotation:
    """Make one free call with the new key and keep what came of it. No transaction is open while the provider is asked.

    Raises ForbiddenError, and ConflictError where the rotation has ended.
    """
    require(by, SECRETS_WRITE)
    new_key = get_key(under_way.new_key_id)
    report = async_to_sync(check_provider)(new_key.provider, key=new_key)
    message = report.message or f"It answered in {report.latency_ms:.0f} ms."
    with change(by=by, why=f"Test of {new_key.label}", permission=SECRETS_WRITE):
        return rotation.note_test(under_way, has_passed=report.is_healthy, message=message)
