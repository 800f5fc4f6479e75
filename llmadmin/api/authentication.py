"""Who calls the REST API: a service by its key, or a person by their session. `request.auth` is the Actor either way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from llmadmin.accounts.actors import actor_of_person, actor_of_service, ip_of
from llmadmin.accounts.selectors import admission_of
from llmadmin.accounts.services import hash_of
from llmadmin.audit.actor import Actor


@dataclass(frozen=True)
class ServiceCaller:
    """A service as Django REST framework's `request.user`: only what the REST room needs of it."""

    name: str
    team: str
    aliases: frozenset[str]
    is_authenticated: bool = True
    is_active: bool = True


class ServiceKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <service key>`. A wrong key is refused here and never falls through to a session."""

    def authenticate(self, request: Request) -> tuple[ServiceCaller, Actor] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        if len(header) != 2:
            raise AuthenticationFailed("Send one service key: Authorization: Bearer <key>.")
        row = admission_of(hash_of(header[1].decode("utf-8", "replace")))
        if row is None:
            raise AuthenticationFailed("This service key is wrong, expired or revoked.")
        caller = ServiceCaller(name=row.service_name, team=row.team, aliases=row.aliases)
        return caller, actor_of_service(row.service_name, ip=ip_of(request), scopes=row.scopes)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="llmadmin"'


class PersonAuthentication(SessionAuthentication):
    """The session of a signed-in person, with the CSRF check that browsers need."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        person, _ = found
        return person, actor_of_person(person, request=request)


class ServiceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the first way in."""

    target_class = ServiceKeyAuthentication
    name = "serviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A service key."}


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the second way in."""

    target_class = PersonAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
