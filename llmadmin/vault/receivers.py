"""What the vault does when a provider is pointed elsewhere."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from llmadmin.catalog.models import Provider
from llmadmin.catalog.signals import origin_changed
from llmadmin.vault.services import lock_keys


@receiver(origin_changed, dispatch_uid="vault.lock_keys")
def lock_keys_of_moved_provider(*, provider: Provider, after: str, **_: Any) -> None:
    """Runs inside the transaction of the change, whichever face it came through."""
    lock_keys(provider, after=after)
