"""Who may come in: nobody before there is an owner, then only who has signed in, each in their own time zone."""

from __future__ import annotations

import zoneinfo
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone

from llmadmin.accounts import first_owner
from llmadmin.accounts.actors import is_held
from llmadmin.accounts.models import User

SETUP_PATH = "/setup/"
# These know their callers by key, or are open by nature.
_OPEN_PATHS = ("/api/", "/v1/", "/static/", "/healthz", "/readyz", "/metrics")
_SIGN_IN_PATHS = ("/accounts/", SETUP_PATH)
# Each reader's own choice of light or dark, also while they set up a second factor.
_ANYONES_PATHS = ("/settings/theme/",)


class _Gate(ABC):
    """A middleware for both worlds that either sends the visitor elsewhere or lets them through."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._answer_async(request)
        return self.turn_away(request) or self.get_response(request)

    async def _answer_async(self, request: HttpRequest) -> Any:
        return await self.turn_away_async(request) or await self.get_response(request)

    @abstractmethod
    def turn_away(self, request: HttpRequest) -> HttpResponse | None: ...

    @abstractmethod
    async def turn_away_async(self, request: HttpRequest) -> HttpResponse | None: ...


class FirstOwnerMiddleware(_Gate):
    """Until there is an owner every page leads to the set-up. Once one was seen, the database is never asked again."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self.has_owner = False

    def turn_away(self, request: HttpRequest) -> HttpResponse | None:
        if self.has_owner or request.path.startswith((*_OPEN_PATHS, SETUP_PATH)):
            return None
        self.has_owner = not first_owner.is_needed()
        return None if self.has_owner else _lead(request, SETUP_PATH)

    async def turn_away_async(self, request: HttpRequest) -> HttpResponse | None:
        if self.has_owner:
            return None
        return await sync_to_async(self.turn_away)(request)


class SignInRequiredMiddleware(_Gate):
    """Every page needs a session; what answers to keys or is open by nature is left to itself."""

    def turn_away(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith((*_OPEN_PATHS, *_SIGN_IN_PATHS)):
            return None
        if not request.user.is_authenticated:
            return _lead_to_sign_in(request)
        if getattr(getattr(request, "session", None), "is_due", False):
            request.session.touch()  # type: ignore[attr-defined]  # our own SessionStore
        return None

    async def turn_away_async(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith((*_OPEN_PATHS, *_SIGN_IN_PATHS)):
            return None
        # Loaded here, so that async views and templates read `request.user` without a query in the event loop.
        request.user = await request.auser()
        if not request.user.is_authenticated:
            return _lead_to_sign_in(request)
        if getattr(getattr(request, "session", None), "is_due", False):
            await sync_to_async(request.session.touch)()  # type: ignore[attr-defined]  # our own SessionStore
        return None


class SecondFactorMiddleware(_Gate):
    """Who must set up a second factor is led there, and nowhere else. `accounts.permissions` holds it up below the pages."""

    def turn_away(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith((*_OPEN_PATHS, *_SIGN_IN_PATHS, *_ANYONES_PATHS)):
            return None
        person = request.user if isinstance(request.user, User) else None
        return _lead(request, resolve_url("mfa_index")) if is_held(person, request) else None

    async def turn_away_async(self, request: HttpRequest) -> HttpResponse | None:
        return await sync_to_async(self.turn_away)(request)


class ViewerZoneMiddleware:
    """Times in the zone of whoever looks."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._answer_async(request)
        if request.path.startswith(_OPEN_PATHS):
            return self.get_response(request)
        with timezone.override(_zone_of(request.user)):
            return self.get_response(request)

    async def _answer_async(self, request: HttpRequest) -> Any:
        if request.path.startswith(_OPEN_PATHS):
            return await self.get_response(request)
        with timezone.override(_zone_of(await request.auser())):
            return await self.get_response(request)


def _zone_of(user: Any) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(getattr(user, "time_zone", "") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def _lead_to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = f"{here.path}?{here.query}" if here.query else here.path
    else:
        back = request.get_full_path() if request.method == "GET" else ""
    sign_in = resolve_url(settings.LOGIN_URL)
    return _lead(request, f"{sign_in}?{urlencode({'next': back})}" if back not in ("", "/") else sign_in)


def _lead(request: HttpRequest, to: str) -> HttpResponse:
    """A redirect; for htmx, which would swap the target page into a fragment's place, its header for whole pages."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": to})
    return HttpResponseRedirect(to)
