"""The config of an llmadmin server, kept at rest for the times when the server is away.

The last known config lies encrypted on disk (AES-256-GCM, its key derived from the service key, file mode 0600), for a
limited time, and ends with its key: a 401 or 403 deletes it. Without the extra `client` nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from providers.config import LLMConfig
from providers.fields import ConfigError

MAX_AGE_S = 7 * 24 * 3600.0
_SALT_BYTES = 16
_NONCE_BYTES = 12
_FORMAT = b"llmadmin-config-1"

log = logging.getLogger(__name__)


class ConfigUnavailableError(ConnectionError):
    """The server did not give its config, and no last known one may be used."""


class ConfigAccessError(ConfigUnavailableError):
    """The server refused the service key."""


@dataclass(frozen=True, slots=True)
class KeptConfig:
    """A config as it was fetched at `fetched_at_s` (Unix time)."""

    document: dict[str, Any]
    etag: str
    fetched_at_s: float


class ConfigStore(Protocol):
    """Where the last known config lies."""

    def load(self) -> KeptConfig | None: ...
    def save(self, kept: KeptConfig, /) -> None: ...
    def delete(self) -> None: ...


class ConfigClient:
    """Fetches the config; one for each server and service key."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        store: ConfigStore | None = None,
        max_age_s: float = MAX_AGE_S,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/config/"
        self._key = key
        self._store = store if store is not None else open_store(url, key)
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._transport = transport
        self._now_s = now_s
        self.age_s: float | None = None
        """How old the config was that `fetch` gave last; 0 when the server answered."""

    def fetch(self) -> LLMConfig:
        """The server's config, else the last known one if it is young enough.

        Raises `ConfigAccessError` where the key is refused and `ConfigUnavailableError` where there is nothing to go
        on with.
        """
        kept = self._store.load()
        if kept is not None and self._now_s() - kept.fetched_at_s > self._max_age_s:
            self._store.delete()
            kept = None
        try:
            kept = self._ask(kept)
        except _AwayError as away:
            if kept is None:
                raise ConfigUnavailableError(
                    f"The llmadmin server at {self._url} can't be used ({away}) and no earlier config is kept."
                ) from away
            self.age_s = self._now_s() - kept.fetched_at_s
            log.warning("llmadmin is away (%s); going on with the config of %.0f s ago", away, self.age_s)
        else:
            self.age_s = 0.0
        return LLMConfig.from_document(kept.document)

    def _ask(self, kept: KeptConfig | None) -> KeptConfig:
        headers = {"authorization": f"Bearer {self._key}", "accept": "application/json"}
        if kept is not None:
            headers["if-none-match"] = kept.etag
        try:
            with httpx.Client(
                transport=self._transport, timeout=self._timeout_s, follow_redirects=False, trust_env=False
            ) as client:
                response = client.get(self._url, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as problem:
            raise _AwayError(f"{type(problem).__name__}: {problem}") from problem
        if response.status_code in (401, 403):
            self._store.delete()
            raise ConfigAccessError(
                f"The llmadmin server refused the service key ({response.status_code}). "
                "Check LLMADMIN_SERVICE_KEY and that the key has the scope config:read."
            )
        if response.status_code == 304 and kept is not None:
            fetched = KeptConfig(kept.document, kept.etag, self._now_s())
        else:
            fetched = KeptConfig(_document_in(response), response.headers.get("etag", ""), self._now_s())
        self._store.save(fetched)
        return fetched


class _AwayError(Exception):
    """The server did not answer with a config; one that is known may be used."""


def _document_in(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != 200:
        raise _AwayError(f"it answered {response.status_code}")
    try:
        document = response.json()
        LLMConfig.from_document(document)
    except (ValueError, ConfigError) as problem:
        raise _AwayError("its answer is no config") from problem
    return dict(document)


class NoStore:
    """Keeps nothing: the extra `client` is not installed."""

    def load(self) -> KeptConfig | None:
        return None

    def save(self, _kept: KeptConfig, /) -> None:
        return None

    def delete(self) -> None:
        return None


class EncryptedStore:
    """One encrypted file. What can't be read (another key, damage) counts as not there."""

    def __init__(self, path: Path, *, key: str, bound_to: str) -> None:
        self.path = path
        self._key = key.encode()
        self._bound_to = _FORMAT + bound_to.encode()

    def load(self) -> KeptConfig | None:
        from cryptography.exceptions import InvalidTag

        try:
            blob = self.path.read_bytes()
            salt, nonce = blob[:_SALT_BYTES], blob[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
            plain = self._cipher(salt).decrypt(nonce, blob[_SALT_BYTES + _NONCE_BYTES :], self._bound_to)
            kept = json.loads(plain)
            return KeptConfig(kept["document"], kept["etag"], kept["fetched_at_s"])
        except (OSError, InvalidTag, ValueError, KeyError):
            return None

    def save(self, kept: KeptConfig) -> None:
        """Write a new file beside the old one and swap them. A disk that refuses must not stop the service."""
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps({"document": kept.document, "etag": kept.etag, "fetched_at_s": kept.fetched_at_s}).encode()
        blob = salt + nonce + self._cipher(salt).encrypt(nonce, plain, self._bound_to)
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(blob)
            draft.replace(self.path)
        except OSError as problem:
            log.warning("the config can't be kept at %s: %s", self.path, problem)
            with suppress(OSError):
                draft.unlink()

    def delete(self) -> None:
        with suppress(OSError):
            self.path.unlink()

    def _cipher(self, salt: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=_FORMAT).derive(self._key))


def open_store(url: str, key: str) -> ConfigStore:
    """The store of this server and key, under `LLMADMIN_CACHE_DIR`, else the user's cache directory."""
    try:
        import cryptography  # noqa: F401 - asked for here, used when something is kept
    except ImportError:
        return NoStore()
    root = os.environ.get("LLMADMIN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256(f"{url.rstrip('/')}\0{key}".encode()).hexdigest()[:32]
    return EncryptedStore(Path(root) / "llmadmin" / f"config-{name}", key=key, bound_to=url.rstrip("/"))
