"""Keys whose text lies outside of the database: in an environment variable or a file, by an allow-list alone.

`LLMADMIN_KEY_SOURCES` lists what may be named, with commas: `env:OPENAI_*`, `file:/run/secrets/*`. An entry may end in the
one address that its keys may be sent to: `env:OPENAI_API_KEY@https://api.openai.com`. Names of llmadmin's own are never
given out, nor is anything in its data folder. Nothing here is expanded, joined or followed out of an allowed folder.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from llmadmin.catalog.origin import origin_of_url
from llmadmin.core.errors import InvalidError

MAX_FILE_BYTES = 64 * 1024
MAX_REF_LENGTH = 500
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENV_PATTERN = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]*")
_OWN_NAMES = ("LLMADMIN_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "EMAIL_URL")


class SourceError(Exception):
    """A key's text can't be read from where it should lie. The message names the place, never the content."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the allow-list; `origin` is the only address its keys may go to, empty for any."""

    scheme: str
    pattern: str
    origin: str

    def covers(self, scheme: str, name: str) -> bool:
        if scheme != self.scheme:
            return False
        if scheme == "env":
            return fnmatchcase(name, self.pattern)
        path, pattern = PurePosixPath(name), PurePosixPath(self.pattern)
        return path.parent == pattern.parent and fnmatchcase(path.name, pattern.name)


def allow_list() -> tuple[Allowed, ...]:
    """The entries of `settings.KEY_SOURCES`. Raises ImproperlyConfigured, naming the entry that can't be meant."""
    return _parsed(settings.KEY_SOURCES)


def find_allowed(ref: str) -> list[Allowed]:
    """The entries that cover `ref`. Raises InvalidError where it has no form that could be covered."""
    scheme, name = split(ref)
    return [entry for entry in allow_list() if entry.covers(scheme, name)]


def split(ref: str) -> tuple[str, str]:
    """`env:NAME` → `("env", "NAME")`, `file:/a/b` → `("file", "/a/b")`. Raises InvalidError for any other form."""
    scheme, _, name = ref.partition(":")
    if len(ref) <= MAX_REF_LENGTH and scheme == "env" and _ENV_NAME.fullmatch(name):
        if not name.upper().startswith(_OWN_NAMES):
            return scheme, name
        raise InvalidError.of(source_ref=f"{name} belongs to llmadmin itself and is not given out.")
    is_plain_path = name.startswith("/") and "\x00" not in name and os.path.normpath(name) == name
    if len(ref) <= MAX_REF_LENGTH and scheme == "file" and is_plain_path and not name.startswith("//"):
        return scheme, name
    raise InvalidError.of(source_ref="Write env:NAME or file:/absolute/path, without . or .. in it.")


def read_source(ref: str, *, origin: str) -> str:
    """The text that `ref` names, to be sent to `origin`. A file is read again when it has changed. Raises SourceError."""
    try:
        entries = find_allowed(ref)
    except InvalidError as problem:
        raise SourceError(problem.message) from None
    if not entries:
        raise SourceError(f"{ref} is not in LLMADMIN_KEY_SOURCES, so this server does not read it.")
    if not any(entry.origin in ("", origin) for entry in entries):
        raise SourceError(f"LLMADMIN_KEY_SOURCES allows {ref} for another address than {origin}.")
    scheme, name = split(ref)
    text = _from_environment(name) if scheme == "env" else _from_file(name)
    if not text:
        raise SourceError(f"{ref} is empty.")
    return text


def is_pinned(ref: str, *, origin: str) -> bool:
    """Whether the allow-list itself says that this key may go to this address."""
    return any(entry.origin == origin for entry in find_allowed(ref))


def _from_environment(name: str) -> str:
    text = os.environ.get(name)
    if text is None:
        raise SourceError(f"The environment variable {name} is not set in this server's process.")
    return text.strip()


@dataclass(frozen=True, slots=True)
class _Read:
    signature: tuple[int, int, int, int]
    text: str


_files: dict[str, _Read] = {}


def _from_file(path: str) -> str:
    real = os.path.realpath(path)
    _check_place(path, real)
    try:
        found = Path(real).lstat()
        signature = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        known = _files.get(path)
        if known is not None and known.signature == signature:
            return known.text
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            raise SourceError(f"{path} is no file of at most {MAX_FILE_BYTES // 1024} kB.")
        text = _content(real)
    except OSError as problem:
        raise SourceError(f"{path} can't be read: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} holds no text.") from None
    if len(_files) > 10_000:
        _files.clear()
    _files[path] = _Read(signature, text)
    return text


def _content(real: str) -> str:
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_FILE_BYTES + 1).decode().strip()


def _check_place(path: str, real: str) -> None:
    """A link may lead to another place of the same folder, as mounted secrets do, and no further."""
    folder = os.path.realpath(Path(path).parent)
    if not Path(real).is_relative_to(folder):
        raise SourceError(f"{path} leads out of its folder, so it is not read.")
    if Path(real).is_relative_to(Path(settings.DATA_DIR).resolve()):
        raise SourceError(f"{path} lies in llmadmin's own data folder, which is not given out.")


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[Allowed, ...]:
    return tuple(_entry(part.strip()) for part in text.split(",") if part.strip())


def _entry(text: str) -> Allowed:
    body, at, address = text.partition("@")
    scheme, _, pattern = body.partition(":")
    origin = origin_of_url(address) if at else ""
    path = PurePosixPath(pattern)
    is_fit = (scheme == "env" and bool(_ENV_PATTERN.fullmatch(pattern))) or (
        scheme == "file"
        and pattern.startswith("/")
        and os.path.normpath(pattern) == pattern
        and not any(sign in str(path.parent) for sign in "*?[")
    )
    if not is_fit or (at and not origin):
        raise ImproperlyConfigured(
            f"LLMADMIN_KEY_SOURCES: {text!r} is no entry. Write env:NAME, env:PREFIX_*, file:/folder/name or file:/folder/*, "
            "each with @https://host after it where its keys may go to that address alone."
        )
    return Allowed(scheme, pattern, origin)
