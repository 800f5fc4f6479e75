"""Keys that a config file names without their text: rows that wait for somebody to enter it."""

from __future__ import annotations

from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.catalog.models import Provider
from llmadmin.core.errors import InvalidError
from llmadmin.vault.models import ApiKey, KeyState

NOT_ENTERED = "not entered"


def expect_key(provider: Provider, *, label: str, weight: int = 1, source: str = "file") -> ApiKey:
    """A locked key without content, so that whoever looks at the provider sees what is missing. Raises InvalidError."""
    if not 1 <= weight <= 1000:
        raise InvalidError.of(weight="Choose a weight between 1 and 1000.")
    if not label or len(label) > 120:
        raise InvalidError.of(label="Give the key a label of at most 120 characters.")
    key = ApiKey(
        provider=provider,
        label=label,
        weight=weight,
        ciphertext=b"",
        origin=NOT_ENTERED,
        encryption_key_id=NOT_ENTERED,
        fingerprint=NOT_ENTERED,
        source=source,
        state=KeyState.LOCKED,
        state_reason="The config file names this key without its text: enter it.",
    )
    key.save(force_insert=True)
    note("create", "key", f"{provider.slug}/{label}", after=state_of(key))
    return key
