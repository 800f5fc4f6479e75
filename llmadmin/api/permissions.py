"""What a caller needs for a call: declared by each view, decided in `accounts.permissions` and by the key's scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from llmadmin.accounts.permissions import CONFIG_VIEW, require
from llmadmin.api.authentication import ServiceCaller
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core.errors import ForbiddenError

if TYPE_CHECKING:
    # The framework imports this module while it makes its views.
    from rest_framework.views import APIView


class MayUseEndpoint(BasePermission):
    """Asks for the permission or scope that the view names for the method. A view that names none is refused.

    Views declare `needs = {"GET": "config.view", "*": "config.edit"}`. A name with a colon is a scope, which only a
    service's key can hold.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor):
            raise NotAuthenticated("Send a service key as a Bearer token, or sign in.")
        if not hasattr(view, (request.method or "").lower()):
            raise MethodNotAllowed(request.method or "")
        needs: dict[str, str] = getattr(view, "needs", {})
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method or ""
        needed = needs.get(method) or needs.get("*")
        if needed is None:
            raise ForbiddenError("This call is open to nobody.")
        if ":" in needed:
            require_scope(actor, needed)
        else:
            require(actor, needed)
            _refuse_partial_view(request.user, needed)
        return True


def require_scope(actor: Actor, scope: str) -> None:
    """Raise ForbiddenError, with an audit entry, unless the key carries `scope` (or `admin`, which holds all but secrets)."""
    if scope in actor.scopes or ("admin" in actor.scopes and scope != "secrets:read"):
        return
    note_now(actor, "refused", "scope", scope, was_refused=True)
    if actor.kind == "service":
        raise ForbiddenError(f"The key of {actor.label} lacks the scope {scope}. Use a key of a service that has it.")
    raise ForbiddenError(f"This call needs a service key with the scope {scope}.")


def _refuse_partial_view(caller: Any, needed: str) -> None:
    """A service that may use some aliases only reads its part as `config/`; the lists would show it the rest."""
    if isinstance(caller, ServiceCaller) and caller.aliases and needed == CONFIG_VIEW:
        raise ForbiddenError(
            f"{caller.name} may use some aliases only. Read GET /api/v1/config/, which shows its part."
        )
