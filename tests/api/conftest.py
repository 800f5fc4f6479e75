"""Callers of the REST API: services by their keys, and persons by their sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

Caller = Callable[..., APIClient]


@pytest.fixture
def service_client(actor: Any) -> Caller:
    """A client with the key of a new service: `service_client("admin", aliases=["fast"])`."""
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change

    def made(*scopes: str, aliases: tuple[str, ...] = (), name: str = "caller", team: str | None = None) -> APIClient:
        with change(by=actor):
            service = create_service(name=name, scopes=scopes, aliases=aliases, team=team)
            _, plaintext = issue_key(service)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {plaintext}")
        return client

    return made


@pytest.fixture
def admin(service_client: Caller) -> APIClient:
    return service_client("admin")


@pytest.fixture
def person_client() -> Callable[[Any], APIClient]:
    """A client with the session of a person, CSRF checks on."""

    def made(user: Any) -> APIClient:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return made
