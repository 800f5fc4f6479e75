"""What base.html shows around every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from llmadmin.accounts import permissions
from llmadmin.accounts.actors import actor_of_request, is_held
from llmadmin.accounts.models import User
from llmadmin.audit.actor import Actor
from llmadmin.console import navigation
from llmadmin.console.health import providers_health
from llmadmin.console.toasts import toasts_of


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame's variables. Each is worked out when a template asks for it, so fragments and other faces pay nothing."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):  # nobody, or a service that reads the description of the API
        return {"theme": "system", "mail_is_sent": settings.MAIL_IS_SENT, "single_sign_on": settings.OIDC}
    match = request.resolver_match
    section = (match.namespace.split(":")[0] or match.url_name or "") if match else ""
    return {
        "theme": user.theme,
        "mail_is_sent": settings.MAIL_IS_SENT,
        "single_sign_on": settings.OIDC,
        "account_frame": SimpleLazyObject(lambda: "card.html" if is_held(user, request) else "base.html"),
        "nav_groups": lambda: list(navigation.groups(section)),
        "nav_health": SimpleLazyObject(providers_health),
        "running_version": SimpleLazyObject(_running_version),
        "all_stopped": SimpleLazyObject(_all_stopped),
        "toasts": lambda: toasts_of(request),
        "may": SimpleLazyObject(lambda: may_of(actor_of_request(request))),
    }


def may_of(actor: Actor) -> dict[str, bool]:
    """Which buttons to show. The services below the views refuse by themselves."""
    granted = permissions.permissions_of(actor)
    return {
        "edit": permissions.CONFIG_EDIT in granted,
        "write_secrets": permissions.SECRETS_WRITE in granted,
        "manage_services": permissions.SERVICES_MANAGE in granted,
        "manage_people": permissions.PEOPLE_MANAGE in granted,
        "run": permissions.PLAYGROUND_RUN in granted,
        "switch": permissions.TRAFFIC_SWITCH in granted,
        "export_audit": permissions.AUDIT_EXPORT in granted,
    }


def _running_version() -> int:
    from llmadmin.config.selectors import current_publication

    return current_publication()[0]


def _all_stopped() -> Any:
    """The stop of all traffic, where there is one."""
    from llmadmin.limits.selectors import find_stop

    return find_stop("everything") or False
