"""What `llmadmin doctor` looks at, one function a question. Each gives findings in sentences that say what to do."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from llmadmin.core import sealed
from llmadmin.core.keyring import KeyRing
from llmadmin.operations.schema import schema_state

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One answer; a `problem` makes the command end with 1."""

    subject: str
    level: Level
    message: str


def run_checks() -> Iterator[Finding]:
    """All findings, in an order in which a problem comes before what it breaks."""
    for subject, check in _CHECKS.items():
        try:
            for level, message in check():
                yield Finding(subject, level, message)
        except DatabaseError as problem:
            yield Finding(subject, "problem", f"The database refused: {str(problem).splitlines()[0]}")
        except ImproperlyConfigured:
            # The settings' fault is a finding of its own, above.
            yield Finding(subject, "warning", "Can't be looked at before the encryption key is fit.")


def _python() -> Iterator[tuple[Level, str]]:
    yield "ok", f"Python {sys.version.split()[0]}, environment {settings.ENVIRONMENT}"


def _data_folder() -> Iterator[tuple[Level, str]]:
    folder = settings.DATA_DIR
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        yield "problem", f"{folder} can't be written. Give this user the folder, or set LLMADMIN_DATA_DIR."
        return
    free_gb = shutil.disk_usage(folder).free / 1e9
    level: Level = "warning" if free_gb < 1 else "ok"
    yield level, f"{folder}, {free_gb:.1f} GB free"
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield "warning", f"{folder} is open to other users of this machine. Run: chmod 700 {folder}"
    for name in ("encryption.key", "secret.key", "llmadmin.sqlite3"):
        path = folder / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield "problem", f"{path} can be read by others. Run: chmod 600 {path}"


def _encryption() -> Iterator[tuple[Level, str]]:
    try:
        ring = KeyRing.from_settings()
    except ImproperlyConfigured as problem:
        yield "problem", str(problem)
        return
    yield "ok", f"encrypts with key {ring.current_key_id}"
    for name, count in sealed.elsewhere().items():
        yield "warning", f"{count} {name} stand on another encryption key. Run: llmadmin rotate-encryption-key"


def _database() -> Iterator[tuple[Level, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield "ok", f"{connection.vendor} answers"
    if connection.vendor == "sqlite" and settings.IS_PRODUCTION:
        yield "warning", "SQLite in production serves one process. Set DATABASE_URL and REDIS_URL when you need more."


def _schema() -> Iterator[tuple[Level, str]]:
    state = schema_state()
    if state.unknown:
        yield "problem", f"The database knows {state.unknown[0]}, this version does not. Start the newer llmadmin."
    elif state.pending:
        yield "warning", f"{len(state.pending)} migrations are pending; `llmadmin serve` applies them."
    else:
        yield "ok", "up to date"


def _api_keys() -> Iterator[tuple[Level, str]]:
    from llmadmin.vault.selectors import keys
    from llmadmin.vault.services import unreadable_keys

    unreadable = unreadable_keys()
    if unreadable:
        yield (
            "problem",
            (
                f"{len(unreadable)} API keys can't be read with this encryption key ({', '.join(str(key) for key in unreadable[:3])}). "
                "Set LLMADMIN_ENCRYPTION_KEY to the one they were stored under, or enter them again."
            ),
        )
    waiting = keys().filter(state__in=["locked", "failed"]).count()
    if waiting:
        yield "warning", f"{waiting} API keys are locked or failed; their provider's page says why."
    if not unreadable and not waiting:
        yield "ok", f"{keys().count()} keys, all readable"


def _config() -> Iterator[tuple[Level, str]]:
    from llmadmin.config.compiler import compile_config
    from llmadmin.config.selectors import current_publication, latest

    version, _ = current_publication()
    if version == 0:
        yield "warning", "nothing is published yet; the first start publishes version 1."
        return
    published = latest()
    if compile_config().hash == published.hash:
        yield "ok", f"version {version} is what the tables say"
    else:
        yield (
            "warning",
            f"version {version} differs from the tables (a price may have come due); any change publishes anew.",
        )


def _redis() -> Iterator[tuple[Level, str]]:
    if not settings.REDIS_URL:
        yield "ok", "not set: one server process, jobs inside it"
        return
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3).ping()
    except redis.RedisError as problem:
        yield "problem", f"REDIS_URL does not answer: {problem}"
    else:
        yield "ok", "answers"


_CHECKS: dict[str, Callable[[], Iterator[tuple[Level, str]]]] = {
    "Python": _python,
    "Data folder": _data_folder,
    "Encryption": _encryption,
    "Database": _database,
    "Schema": _schema,
    "API keys": _api_keys,
    "Config": _config,
    "Redis": _redis,
}
