"""How long ago a session proved that it is its person: by signing in, or by confirming with password, code or passkey."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest

_CONFIRMED_AT = "confirmed_at"
_BY_SSO = "came_by_sso"


def note_confirmed(request: HttpRequest, *, by_sso: bool | None = None) -> None:
    """The person proved just now that it is them; at a sign-in `by_sso` says whether a provider vouched for them."""
    request.session[_CONFIRMED_AT] = time.time()
    if by_sso is not None:
        request.session[_BY_SSO] = by_sso


def is_fresh(request: HttpRequest) -> bool:
    """Whether the session's last proof is recent enough for sensitive acts."""
    session = getattr(request, "session", None)
    confirmed_at = session.get(_CONFIRMED_AT, 0) if session is not None else 0
    return 0 <= time.time() - confirmed_at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def came_by_sso(request: HttpRequest) -> bool:
    """Whether the identity provider vouched for the person: second factors are then its business."""
    session = getattr(request, "session", None)
    return bool(session is not None and session.get(_BY_SSO))
