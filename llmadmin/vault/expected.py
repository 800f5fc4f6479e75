"""Keys that a config file names without their text: rows that wait for somebody to enter it."""

from __future__ import annotations

from typing import Any

from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.catalog.models import Provider
from llmadmin.core.errors import InvalidError
from llmadmin.vault.fields import check_fields
from llmadmin.vault.models import ApiKey, KeyState

NOT_ENTERED = "not entered"


def expect_key(
    provider: Provider,
    *,
    label: str,
    source: str = "file",
    source_ref: str = "",
    reason: str = "The config file names this key without its text: enter it.",
    **fields: Any,
) -> ApiKey:
    """A locked key without content, so that whoever looks at the provider sees what is missing. Raises InvalidError."""
    if not label:
        raise InvalidError.of(label="Give the key a label of at most 120 characters.")
    key = ApiKey(
        provider=provider,
        label=label,
        ciphertext=b"",
        source_ref=source_ref,
        origin=NOT_ENTERED,
        encryption_key_id=NOT_ENTERED,
        fingerprint=NOT_ENTERED,
        source=source,
        state=KeyState.LOCKED,
        state_reason=reason[:300],
        **fields,
    )
    check_fields(key)
    key.save(force_insert=True)
    note("create", "key", f"{provider.slug}/{label}", after=state_of(key))
    return key
