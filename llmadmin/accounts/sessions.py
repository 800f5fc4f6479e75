"""Signed-in browsers: sessions in a table of ours that knows whose they are, so that they can be listed and ended.

Django's own table keeps the person inside encoded data; ending someone's sessions would mean to read them all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.base_session import AbstractBaseSession
from django.http import HttpRequest
from django.utils import timezone

from llmadmin.accounts.actors import ip_of
from llmadmin.accounts.models import Session, User

SEEN_EVERY = dt.timedelta(minutes=5)
"""How exact "last seen" is: a write on every page would cost more than it tells."""
_FROM = "signed_in_from"


class SessionStore(DatabaseSessions):
    """Django's database sessions, with the person, the browser and the times in columns of their own."""

    last_seen_at: dt.datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        return self._noted(super()._get_session_from_db())  # type: ignore[misc]  # the stubs leave it out

    async def _aget_session_from_db(self) -> Session | None:
        return self._noted(await super()._aget_session_from_db())  # type: ignore[misc]  # the stubs leave it out

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return _described(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        return _described(await super().acreate_model_instance(data), data)

    @property
    def is_due(self) -> bool:
        """Whether "last seen" is old enough to be written again."""
        return self.last_seen_at is not None and timezone.now() - self.last_seen_at > SEEN_EVERY

    def touch(self) -> None:
        """Note that the browser was here just now."""
        self.last_seen_at = timezone.now()
        Session.objects.filter(pk=self.session_key).update(last_seen_at=self.last_seen_at)

    def _noted(self, row: Session | None) -> Session | None:
        self.last_seen_at = row.last_seen_at if row else None
        return row


def note_origin(request: HttpRequest) -> None:
    """Keep with the session from where it began. At each sign-in expired sessions of everyone are thrown away as well."""
    request.session[_FROM] = {
        "ip": ip_of(request),
        "browser": request.META.get("HTTP_USER_AGENT", "")[:300],
        "at": timezone.now().isoformat(),
    }
    SessionStore.clear_expired()


def end_sessions(person: User, *, but: str | None = None) -> int:
    """Sign `person` out everywhere, at once; `but` spares one session by its key. Returns how many ended."""
    theirs = Session.objects.filter(person=person)
    ended, _ = (theirs.exclude(pk=but) if but else theirs).delete()
    return ended


def _described(row: AbstractBaseSession, data: Mapping[str, Any]) -> Session:
    assert isinstance(row, Session)  # noqa: S101 - what `get_model_class` says
    origin = data.get(_FROM) or {}
    row.person_id = int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None
    row.ip_address = origin.get("ip")
    row.browser = origin.get("browser", "")
    row.began_at = dt.datetime.fromisoformat(origin["at"]) if origin else timezone.now()
    return row
