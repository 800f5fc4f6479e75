"""What the environment says: one reader for settings, with `…_FILE` for secrets and sentences for mistakes."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from environ import Env

ROOT = Path(__file__).resolve().parent.parent

env = Env()
if (ROOT / ".env").is_file():
    Env.read_env(ROOT / ".env")


class SetupError(Exception):
    """The environment is not fit to start in; the message says what to set."""


def secret(name: str) -> str | None:
    """`NAME` from the environment, or the content of the file that `NAME_FILE` points to; None when neither is set."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as problem:
            raise SetupError(f"{name}_FILE points to {path}, which can't be read: {problem.strerror}.") from problem
    return os.environ.get(name) or None


def kept_secret(path: Path, *, make: int = 32) -> str:
    """The secret kept in `path`, made on first use with mode 0600, so that two first starts agree on one."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(make))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def private_file(path: Path) -> Path:
    """`path`, made where it is missing, in a folder that only this user opens; others can't read it from now on.

    SQLite gives its journals the mode of the database, so the database must have its own before the first connection.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                one.chmod(0o600)
    return path
