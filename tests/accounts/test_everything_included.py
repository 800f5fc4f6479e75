"""G30: what others sell as an edition is here in every installation, for everyone whose role allows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from llmadmin.accounts.oidc import oidc_from_environment

ROOT = Path(__file__).resolve().parents[2]
SOLD_ELSEWHERE = [
    "people:list", "people:invite", "people:rules", "mfa_activate_totp", "mfa_add_webauthn", "audit:list",
    "versions:list", "settings:page", "teams:list", "account:page",
]  # fmt: skip
LOCK = re.compile(
    r"licen[cs]e[_ -]?key|enterprise|premium|upgrade (?:to|your plan)|paid (?:plan|edition)|pricing plan", re.IGNORECASE
)


@pytest.mark.parametrize("page", SOLD_ELSEWHERE)
def test_g30_nothing_is_held_back_from_a_bare_installation(page, owner, client):
    client.force_login(owner)

    assert client.get(reverse(page)).status_code == 200


def test_g30_single_sign_on_needs_a_provider_and_nothing_else(monkeypatch):
    for name, value in (("ISSUER", "https://login.example.com"), ("CLIENT_ID", "a"), ("CLIENT_SECRET", "b")):
        monkeypatch.setenv(f"LLMADMIN_OIDC_{name}", value)

    found = oidc_from_environment()

    assert found is not None
    assert found.as_allauth()["openid_connect"]["APPS"][0]["settings"]["server_url"] == "https://login.example.com"


def test_g30_second_factors_and_passkeys_are_on():
    assert set(settings.MFA_SUPPORTED_TYPES) == {"totp", "webauthn", "recovery_codes"}
    assert settings.MFA_PASSKEY_LOGIN_ENABLED


def test_g30_no_code_and_no_page_knows_an_edition():
    held_back = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for folder in ("llmadmin", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html"} and (found := LOCK.search(path.read_text(encoding="utf-8")))
    ]

    assert held_back == []
