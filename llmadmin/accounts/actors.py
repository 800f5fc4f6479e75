"""Actors from where they come: a signed-in person's request, a service's key, the command line, llmadmin itself."""

from __future__ import annotations

import getpass
import ipaddress
from collections.abc import Iterable

from django.http import HttpRequest

from llmadmin.accounts import step_up
from llmadmin.accounts.models import Service, User
from llmadmin.accounts.sign_in_rules import must_add_second_factor
from llmadmin.audit.actor import Actor
from llmadmin.core import request_id as request_ids


def actor_of_request(request: HttpRequest) -> Actor:
    """The signed-in person behind `request`; without one, an actor named "nobody" who may do nothing."""
    user = getattr(request, "user", None)
    return actor_of_person(
        user if isinstance(user, User) or getattr(user, "is_authenticated", False) else None, request=request
    )


def actor_of_person(user: User | None, *, request: HttpRequest | None = None) -> Actor:
    """`user` as an actor; `request`, where there is one, says from where, and what its session has proved."""
    path = request.path if request is not None else ""
    return Actor(
        kind="person",
        label=user.email if user else "nobody",
        person_id=user.pk if user else None,
        role=user.role if user and user.is_active else "",
        ip_address=ip_of(request),
        request_id=request_ids.current(),
        source="api" if path.startswith("/api/") else "ui",
        is_fresh=request is None or step_up.is_fresh(request),
        is_held=is_held(user, request),
    )


def is_held(user: User | None, request: HttpRequest | None) -> bool:
    """Whether the rules ask a second factor first. One that single sign-on vouched for is the provider's business."""
    if user is None or request is None or getattr(request, "session", None) is None:
        return False
    return not step_up.came_by_sso(request) and must_add_second_factor(user)


def actor_of_service(
    service: Service | str, *, ip: str | None = None, request_id: str = "", scopes: Iterable[str] = ()
) -> Actor:
    """`service`, or the name of one, acting with the scopes that its key was admitted with."""
    return Actor(
        kind="service",
        label=service if isinstance(service, str) else service.name,
        scopes=frozenset(scopes),
        ip_address=_address(ip),
        request_id=request_id or request_ids.current(),
        source="api",
    )


def command_actor(source: str = "system") -> Actor:
    """Whoever runs a command on the machine itself. `apply` passes source="file"."""
    return Actor(kind="command", label=f"command line ({_login_name()})", source=source)


def system_actor(name: str) -> Actor:
    """llmadmin itself; `name` says which part, such as "key expiry"."""
    return Actor(kind="system", label=name, source="system")


def ip_of(request: HttpRequest | None) -> str | None:
    """The peer's address. Forwarded headers are the server's to trust or not (`serve --forwarded-allow-ips`), never read here."""
    return _address(request.META.get("REMOTE_ADDR")) if request is not None else None


def _address(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text)) if text else None
    except ValueError:
        return None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown user"
