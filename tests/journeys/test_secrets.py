"""Canaries: a provider's key and a service's key are planted, and everything that the server left behind is searched."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.journeys.stand import HELLO, UPSTREAM_KEY, Rest, Stand, until

EMAIL, PASSWORD = "owner@example.com", "a password of some length"
PAGES = (
    "/", "/playground/", "/requests/", "/providers/", "/providers/sim/", "/providers/sim/edit/", "/models/", "/aliases/",
    "/agents/", "/services/", "/costs/", "/errors/", "/versions/", "/audit/", "/settings/", "/settings/transfer/export/",
)  # fmt: skip


def test_g9_no_key_lies_in_clear_in_any_file_of_the_data_folder(stand: Stand) -> None:
    key = _use_everything(stand)
    backup = stand.server.data_dir / "backup.jsonl.gz"
    stand.server.run("backup", str(backup))
    backup.with_suffix("").write_bytes(gzip.decompress(backup.read_bytes()))

    files = {path: path.read_bytes() for path in stand.server.data_dir.rglob("*") if path.is_file()}

    names = {path.name for path in files}
    assert {"llmadmin.sqlite3", "llmadmin.sqlite3-wal", "server.log", "backup.jsonl"} <= names
    assert "marker-that-must-be-found" in _as_text(files), "the search reads what was written"
    for secret in (UPSTREAM_KEY, key, stand.admin_key):
        for form in (secret, secret.encode().hex()):
            assert [path.name for path, content in files.items() if form.encode() in content] == []


def test_g9_no_key_is_in_a_page_an_answer_or_an_error_body(stand: Stand) -> None:
    key = _use_everything(stand)
    person = _sign_in(stand)
    rest = stand.admin
    bodies = {path: person.get(path, follow_redirects=True) for path in PAGES}
    for path in ("providers/", "keys/", "services/", "config/", "export/", "audit/", "usage/", "versions/"):
        bodies[path] = rest.raw("GET", path)
    for one in rest.get("keys/")["results"]:
        bodies[one["id"]] = person.get(f"/keys/{one['id']}/")
    bodies["rejected"] = rest.raw("POST", "keys/", json={"provider": "nowhere", "label": "x", "api_key": UPSTREAM_KEY})
    bodies["wrong"] = rest.raw("POST", f"providers/?{UPSTREAM_KEY}=1", content=f'{{"slug": "{UPSTREAM_KEY}')

    assert {answer.status_code for path, answer in bodies.items() if path not in ("rejected", "wrong")} == {200}
    for path, answer in bodies.items():
        for secret in (UPSTREAM_KEY, key, stand.admin_key):
            assert secret not in answer.text, path
    assert UPSTREAM_KEY[-4:] in bodies["/providers/sim/"].text, "the last four are shown"


def test_a_read_of_keys_needs_its_scope_and_is_audited(stand: Stand) -> None:
    plain = stand.service("config:read")
    scopes = ("--scope", "config:read", "--scope", "secrets:read")
    trusted = json.loads(stand.server.run("create-service", "keeper", *scopes, "--json"))["key"]

    granted_by_key = stand.admin.raw("POST", "services/", json={"name": "taker", "scopes": ["secrets:read"]})
    without = Rest(stand.server, plain).raw("GET", "config/")
    with_keys = until(lambda: _config(stand, trusted), "the key is known")

    assert granted_by_key.status_code == 403
    assert UPSTREAM_KEY not in without.text
    assert with_keys["providers"]["sim"]["keys"][0]["api_key"] == UPSTREAM_KEY
    assert "read_secrets" in {entry["action"] for entry in stand.admin.get("audit/")["results"]}


def _config(stand: Stand, key: str) -> Any:
    answer = Rest(stand.server, key).raw("GET", "config/")
    return answer.json() if answer.status_code == 200 else None


def _use_everything(stand: Stand) -> str:
    """Leave traces of every kind: calls that worked and failed, a refused key, a change with a reason. The caller's key."""
    alias, key = stand.alias(), stand.service("gateway:call")
    client = stand.client(key)
    client.chat.completions.create(model=alias, messages=HELLO)
    stand.simulator.set("*", status=401)
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model=alias, messages=HELLO)
    stand.simulator.set("*")
    stand.admin.patch(f"aliases/{alias}/", {"description": "marker-that-must-be-found"})
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=UPSTREAM_KEY, messages=HELLO)
    stand.records(alias, count=2)
    stand.admin.post("providers/sim/test/", {})
    _cure_keys(stand)
    return key


def _cure_keys(stand: Stand) -> None:
    """A key that was refused upstream rests for a while; entering it again makes it fresh."""
    for one in stand.admin.get("keys/")["results"]:
        if one["provider"] == "sim":
            stand.admin.post(f"keys/{one['id']}/rotate/", {"api_key": UPSTREAM_KEY})


def _sign_in(stand: Stand) -> httpx.Client:
    environ = {"DJANGO_SUPERUSER_EMAIL": EMAIL, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    stand.server.command("createsuperuser", "--noinput", **environ)
    person = httpx.Client(base_url=stand.server.url, timeout=30)
    person.get("/accounts/login/")
    signed_in = person.post(
        "/accounts/login/",
        data={"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": person.cookies["csrftoken"]},
        headers={"Origin": stand.server.url},
    )
    assert signed_in.status_code == 302, signed_in.text
    return person


def _as_text(files: dict[Path, bytes]) -> str:
    return b"\n".join(files.values()).decode("utf-8", "replace")
