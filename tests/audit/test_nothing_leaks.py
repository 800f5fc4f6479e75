"""Two promises: no secret is anywhere that people or logs can see, and errors carry an id and nothing of our insides."""

import gzip
import io
import logging

import httpx
import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.db import connection
from django.test import Client

from llmadmin.accounts.actors import actor_of_person
from llmadmin.accounts.invitations import invite
from llmadmin.accounts.permissions import OWN_KEYS, PEOPLE_MANAGE, SERVICES_MANAGE
from llmadmin.accounts.personal_keys import issue_own_key
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.alerts.services import create_webhook
from llmadmin.audit.models import AuditEntry
from llmadmin.config.exporting import export_with_secrets, export_yaml
from llmadmin.config.models import ConfigVersion
from llmadmin.config.services import change
from llmadmin.vault.services import add_key
from tests.conftest import PASSWORD
from tests.live.server import LiveServer

API_KEY, PASSPHRASE, TOTP_SECRET = (
    "canary-of-a-provider-9b1e",
    "canary passphrase 4c77 of some length",
    "JBSWY3DPEHPK3PXP",
)
CONTROL = "words-that-must-be-found"
PAGES = ("/", "/providers/sim/", "/services/", "/services/shop/", "/people/", "/webhooks/", "/account/", "/audit/",
         "/versions/", "/versions/1/", "/settings/", "/settings/transfer/", "/accounts/2fa/")  # fmt: skip


@pytest.fixture
def log_lines():
    lines = io.StringIO()
    handler = logging.getLogger().handlers[0]
    before = handler.setStream(lines)
    yield lines
    handler.setStream(before)


def _plant(owner, catalogue):
    """One secret of each kind, by name: typed, shown once, or held by a browser."""
    actor = actor_of_person(owner)
    with change(by=actor, why=CONTROL):
        add_key(catalogue.provider, label="canary", api_key=API_KEY)
    with change(by=actor, permission=SERVICES_MANAGE):
        service_key = issue_key(create_service(name="shop", scopes=["gateway:call"]))[1]
    with change(by=actor, permission=OWN_KEYS):
        own_key = issue_own_key(owner, label="laptop", days=30)[1]
    with change(by=actor, permission=PEOPLE_MANAGE):
        token = invite("guest@example.com", role="viewer")[1]
    webhook_secret = create_webhook(by=actor, label="hook", url="http://127.0.0.1:9/hook")[1]
    TOTP.activate(owner, TOTP_SECRET)
    export_with_secrets(PASSPHRASE, by=actor)
    secrets = {
        "API key": API_KEY, "service key": service_key, "own key": own_key, "invitation": token,
        "webhook secret": webhook_secret, "authenticator app": TOTP_SECRET, "passphrase": PASSPHRASE,
        "password": PASSWORD,
    }  # fmt: skip
    assert all(len(secret) >= 12 for secret in secrets.values())
    return secrets


@pytest.mark.django_db(transaction=True)
def test_g09_no_kind_of_secret_is_anywhere_that_people_or_logs_see(owner, catalogue, tmp_path, log_lines):
    secrets = _plant(owner, catalogue)
    browser = Client()
    browser.force_login(owner)
    secrets["session"] = browser.cookies["sessionid"].value
    for name, secret in secrets.items():
        logging.getLogger("upstream").warning("%s: it said %s", CONTROL, secret if name.endswith("key") else "nothing")
    backup = tmp_path / "copy.jsonl.gz"
    call_command("backup", str(backup))

    places = {path: browser.get(path, follow=True).content.decode() for path in PAGES}
    places["log"] = log_lines.getvalue()
    places["audit"] = str(list(AuditEntry.objects.values()))
    places["versions"] = str(list(ConfigVersion.objects.values()))
    places["export"] = export_yaml()
    places["backup"] = gzip.decompress(backup.read_bytes()).decode()
    places["answers"] = "".join(
        browser.get(f"/api/v1/{noun}/").content.decode() for noun in ("keys", "services", "audit", "versions", "export")
    )
    wrong = browser.post("/api/v1/keys/", {"provider": "nowhere", "label": "x", "api_key": API_KEY}, "application/json")
    places["error body"] = wrong.content.decode()

    assert wrong.status_code == 400 or wrong.status_code == 404
    for place in ("log", "audit", "versions", "backup", "/versions/2/"):
        assert CONTROL in places.get(place, CONTROL), f"{place}: the search reads what is there"
    found = [
        f"{name} in {place}" for place, text in places.items() for name, secret in secrets.items() if secret in text
    ]
    assert found == []


@pytest.fixture
def lost_table():
    """A table that the database no longer has: each face meets an error whose words name our insides."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_provider RENAME TO gone_astray")
    yield "catalog_provider"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gone_astray RENAME TO catalog_provider")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["/providers/", "/providers/sim/", "/api/v1/providers/", "/api/v1/keys/"])
def test_g34_an_error_of_ours_carries_an_id_and_none_of_our_insides(address, owner, catalogue, lost_table, log_lines):
    browser = Client(raise_request_exception=False, headers={"x-request-id": "request-34"})
    browser.force_login(owner)

    answer = browser.get(address)

    body = answer.content.decode()
    assert answer.status_code in (500, 503)
    assert "request-34" in (body if answer.status_code == 500 else body + answer.headers["x-request-id"])
    _assert_no_insides(body)
    assert lost_table in log_lines.getvalue(), "the log tells us"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "address"),
    [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/api/v1/resolve/?alias=fast")],
)
def test_g34_the_live_path_breaks_with_an_id_and_none_of_our_insides(method, address, actor, catalogue):
    with change(by=actor):
        key = issue_key(create_service(name="shop", scopes=["gateway:call", "config:read"]))[1]
    sent = {"model": "fast", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"authorization": f"Bearer {key}", "x-request-id": "request-34"}

    with LiveServer() as server:
        object.__setattr__(server.runtime.snapshot, "config", None)  # what must never be
        answer = httpx.request(method, server.url + address, json=sent if method == "POST" else None, headers=headers)

    assert answer.status_code == 500, answer.text
    assert answer.headers["x-request-id"] == "request-34"
    _assert_no_insides(answer.text)


def _assert_no_insides(body):
    for inside in ("Traceback", "catalog_provider", "SELECT", "OperationalError", "AttributeError", "NoneType", ".py"):
        assert inside not in body
