"""The first owner: made once, by whoever can read what the server printed at its start. There is no default password."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from llmadmin.accounts.invitations import checked_email
from llmadmin.accounts.models import Role, User
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError
from llmadmin.core.redaction import hide

MOST_WRONG_TOKENS = 10
"""Wrong tokens that one address may give within `WRONG_TOKENS_EXPIRE_S`; further ones are neither looked at nor noted."""
WRONG_TOKENS_EXPIRE_S = 300


def is_needed() -> bool:
    """Whether nobody can sign in yet. One query."""
    return not User.objects.exists()


def ensure_setup_token() -> str | None:
    """A fresh one-time token for whoever starts the server to print; None when there is an owner already.

    Only its hash is kept, in a file of mode 0600 under DATA_DIR, so that a restart can't print the old one: it prints a new
    one, and the old one is void.
    """
    if not is_needed():
        _forget_token()
        return None
    token = secrets.token_urlsafe(24)
    hide(token)
    path = _token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_hash_of(token))
    draft.replace(path)
    return token


def is_setup_token(token: str) -> bool:
    """Whether `token` is the one printed last. Takes the same time wherever it differs."""
    try:
        kept = _token_path().read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return False
    return bool(kept) and hmac.compare_digest(kept, _hash_of(token.strip()))


def create_first_owner(token: str, email: str, password: str, *, ip_address: str | None = None) -> User:
    """Make the owner and void the token.

    Raises ConflictError when someone was first, ForbiddenError for a wrong token, InvalidError for an unfit e-mail address or
    password. Two at once make one owner: the second waits for the first and then finds an owner.
    """
    visitor = Actor(
        kind="person",
        label=email.strip() or "nobody",
        ip_address=ip_address,
        request_id=request_id.current(),
        source="ui",
    )
    _refuse_guesser(ip_address)
    if not is_setup_token(token) and is_needed():
        _count_guess(ip_address)
        note_now(visitor, "refused", "person", "first owner", was_refused=True, why="wrong setup token")
        raise ForbiddenError(
            "This is not the setup token. It is on the last lines that the server printed when it started; "
            "a restart prints a new one."
        )
    with transaction.atomic():
        _lock_people()
        if not is_needed():
            raise ConflictError("There is an owner already. Sign in, or ask them to add you.")
        owner = User(email=checked_email(email))
        _check_password(password, owner)
        owner = User.objects.create_user(owner.email, password, role=Role.OWNER, is_superuser=True, is_staff=True)
        note_now(
            visitor,
            "create",
            "person",
            owner.email,
            after={"email": owner.email, "role": owner.role},
            why="first owner",
        )
    _forget_token()
    return owner


def _refuse_guesser(ip_address: str | None) -> None:
    if cache.get(_guesses_key(ip_address), 0) >= MOST_WRONG_TOKENS:
        raise ForbiddenError("Too many wrong setup tokens. Wait five minutes, then copy it from the server's output.")


def _count_guess(ip_address: str | None) -> None:
    """One more from this address; the count ends by itself, however often the cache is asked meanwhile."""
    key = _guesses_key(ip_address)
    cache.add(key, 0, WRONG_TOKENS_EXPIRE_S)
    with contextlib.suppress(ValueError):
        cache.incr(key)


def _guesses_key(ip_address: str | None) -> str:
    return f"setup:wrong-tokens:{ip_address or 'unknown'}"


def _lock_people() -> None:
    """Wait until no one else is adding people. SQLite's immediate transactions do so by themselves."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(User._meta.db_table)
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _check_password(password: str, owner: User) -> None:
    try:
        validate_password(password, owner)
    except ValidationError as problem:
        raise InvalidError.of(password=" ".join(problem.messages)) from None


def _token_path() -> Path:
    return Path(settings.DATA_DIR) / "setup-token.sha256"


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _forget_token() -> None:
    _token_path().unlink(missing_ok=True)
