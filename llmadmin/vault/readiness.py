"""May the server start with this encryption key?"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from llmadmin.core.keyring import KeyRing
from llmadmin.vault.models import ApiKey
from llmadmin.vault.sourcing import allow_list


def require_readable_keys() -> int:
    """Raise ImproperlyConfigured when keys are stored and none is on an encryption key that we hold: it is the wrong one.

    Otherwise return how many are on a key that we don't hold, for the caller to warn of. One query, nothing is decrypted.
    An allow-list of key sources that can't be meant stops the start as well.
    """
    allow_list()
    stored = ApiKey.objects.exclude(ciphertext=b"").values_list("encryption_key_id", flat=True)
    held = KeyRing.from_settings().key_ids
    strange = [key_id for key_id in stored if key_id not in held]
    if strange and len(strange) == len(stored):
        raise ImproperlyConfigured(
            f"LLMADMIN_ENCRYPTION_KEY opens none of the {len(strange)} stored API keys: they were encrypted with key "
            f"{', '.join(sorted(set(strange)))}. Set the key that this database was used with (with the embedded default it is "
            "the file encryption.key beside the database)."
        )
    return len(strange)
