"""`config/` and `resolve/` say the same to a person with a session and to a service with a key."""

from __future__ import annotations

from typing import Any

import httpx
from django.conf import settings
from django.test import Client

from tests.live.server import LiveServer


def test_a_session_and_a_key_read_the_same_documents(
    transactional_db: None, service_client: Any, owner: Any, catalogue: Any
) -> None:
    header = service_client("config:read")._credentials["HTTP_AUTHORIZATION"]
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    session = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    with LiveServer() as server:
        for address in ("config/", "resolve/?alias=fast", "resolve/?agent=coder", "resolve/?model=sim/alpha"):
            by_key = httpx.get(f"{server.url}/api/v1/{address}", headers={"Authorization": header})
            by_session = httpx.get(f"{server.url}/api/v1/{address}", cookies=session)

            assert by_key.status_code == by_session.status_code == 200, address
            assert by_key.json() == by_session.json()
            assert by_key.headers.get("etag") == by_session.headers.get("etag")
            version = by_key.headers["x-llmadmin-config-version"]
            assert by_session.headers["x-llmadmin-config-version"] == version
            assert "api_key" not in by_key.text
        for address in ("resolve/?alias=nothing", "resolve/", "resolve/?alias=fast&model=x"):
            by_key = httpx.get(f"{server.url}/api/v1/{address}", headers={"Authorization": header})
            by_session = httpx.get(f"{server.url}/api/v1/{address}", cookies=session)

            assert by_key.status_code == by_session.status_code, address
            assert by_key.json()["error"]["message"] == by_session.json()["error"]["message"]
        known = httpx.get(f"{server.url}/api/v1/config/", cookies=session).headers["etag"]
        for form in (known, f"W/{known}", f'"other", {known}', "*"):
            again = httpx.get(f"{server.url}/api/v1/config/", cookies=session, headers={"If-None-Match": form})
            assert again.status_code == 304, form
