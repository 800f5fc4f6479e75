"""API keys on their way from one installation to another: sealed in the exported file with a passphrase.

    secrets:
      format: 1                     scrypt of the passphrase (UTF-8) gives 32 bytes: the AES-256-GCM key
      scrypt: {n: 32768, r: 8, p: 1, salt: <base64, 16 bytes>}
      nonce: <base64, 12 bytes>
      sealed: <base64>              JSON `{"slug/label": {"api_key": …, "origin": "https://api.openai.com:443"}}`, tag at its end

The associated data is `llmadmin secrets 1`. Each key names the origin that it was entered for and is taken only where the
file's provider points there: whoever changes an address in the file does not get the key sent to it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from llmadmin.catalog.fields import invalid
from llmadmin.catalog.origin import origin_of
from llmadmin.core.redaction import hide
from providers.config import LLMConfig
from providers.entries import KeyConfig, LLMProviderConfig

SECTION = "secrets"
FORMAT = 1
MIN_LENGTH = 12
_BOUND_TO = b"llmadmin secrets 1"
_COST = {"n": 2**15, "r": 8, "p": 1}
_MOST = {"n": 2**17, "r": 16, "p": 4}
"""A file decides how long its passphrase is worked on, but not without end: at most 256 MB and a few seconds."""


def seal(secrets: Mapping[str, Mapping[str, str]], passphrase: str) -> dict[str, Any]:
    """The section of the file. Raises InvalidError for a passphrase that is too short to protect anything."""
    if len(passphrase) < MIN_LENGTH:
        raise invalid(
            {"passphrase": f"Use at least {MIN_LENGTH} characters: whoever has the file can try without end."}
        )
    salt, nonce = os.urandom(16), os.urandom(12)
    text = json.dumps(secrets, ensure_ascii=False).encode()
    sealed = AESGCM(_derive(passphrase, salt, _COST)).encrypt(nonce, text, _BOUND_TO)
    return {
        "format": FORMAT,
        "scrypt": {**_COST, "salt": _text(salt)},
        "nonce": _text(nonce),
        "sealed": _text(sealed),
    }


def unseal(section: Any, passphrase: str) -> dict[str, dict[str, str]]:
    """What `seal` was given. Raises InvalidError for another passphrase, or a section that was changed or is none of ours."""
    try:
        if section["format"] != FORMAT:
            raise invalid(
                {SECTION: f"Is of format {section['format']}; this llmadmin reads format {FORMAT}. Update it."}
            )
        cost = {name: int(section["scrypt"][name]) for name in _COST}
        salt, nonce, sealed = (_bytes(one) for one in (section["scrypt"]["salt"], section["nonce"], section["sealed"]))
        if any(not 1 <= cost[name] <= most for name, most in _MOST.items()):
            raise ValueError("more work than any export asks for")
        key = _derive(passphrase, salt, cost)
        opened = AESGCM(key).decrypt(nonce, sealed, _BOUND_TO)
    except InvalidTag:
        raise invalid(
            {"passphrase": "Does not open this file's API keys. Check it; the file may also be damaged."}
        ) from None
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise invalid(
            {SECTION: "Is no section that `export --with-secrets` wrote. Export again, or take it out."}
        ) from None
    found: dict[str, dict[str, str]] = json.loads(opened)
    for one in found.values():
        hide(one["api_key"])
    return found


def with_secrets(config: LLMConfig, secrets: Mapping[str, Mapping[str, str]]) -> tuple[LLMConfig, list[str]]:
    """`config` with the texts of its keys, and a sentence for each that was not put in."""
    notes: list[str] = []
    used: set[str] = set()
    providers = {}
    for slug, provider in config.providers.items():
        keys = tuple(_opened(slug, provider, key, secrets, used, notes) for key in provider.keys)
        providers[slug] = replace(provider, keys=keys, api_key=None)
    notes += [
        f"The API key {name} is in the file, but no provider there names it." for name in sorted(set(secrets) - used)
    ]
    return config.replace(providers=providers), notes


def _opened(
    slug: str,
    provider: LLMProviderConfig,
    key: KeyConfig,
    secrets: Mapping[str, Mapping[str, str]],
    used: set[str],
    notes: list[str],
) -> KeyConfig:
    name = f"{slug}/{key.label}"
    found = secrets.get(name)
    if found is None or key.api_key:
        return key
    used.add(name)
    if found["origin"] != origin_of(provider):
        notes.append(
            f"The API key {name} was entered for {found['origin']}, and the file's provider points elsewhere: enter it again."
        )
        return key
    return replace(key, api_key=found["api_key"])


def _derive(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, **cost).derive(passphrase.encode())


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: Any) -> bytes:
    return base64.b64decode(str(value), validate=True)
