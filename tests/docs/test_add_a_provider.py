"""The guide "Add a provider", done literally: its files in a temporary folder, and nothing else changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

import providers
from providers import ChatRequest, create_provider
from providers.__main__ import main
from providers.registry import get_registry
from tests.docs.guides import ROOT, files, read
from tests.providers.upstream import Upstream, UpstreamServer

MAX_LINES = 60
SLUG = "nimbus"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The guide's folder, on the path of this process for the time of a test."""
    for name, text in files(read("add-a-provider")).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with monkeypatch.context() as environment:
        environment.setenv("LLM_PROVIDER_PATH", str(tmp_path))
        get_registry().discover()
        yield tmp_path
    get_registry().discover()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = UpstreamServer()
    yield server.new()
    server.close()


def test_the_folder_takes_fewer_than_60_lines(shelf: Path):
    written = [path for path in (shelf / SLUG).iterdir() if path.is_file()]

    assert {path.name for path in written} == {"metadata.py", "models.toml"}
    assert sum(len(path.read_text().splitlines()) for path in written) < MAX_LINES


def test_the_registry_and_the_public_names_know_it(shelf: Path, capsys):
    assert main(["list"]) == 0

    assert "nimbus        Nimbus" in capsys.readouterr().out
    assert providers.ProviderType.NIMBUS == SLUG
    assert providers.create_nimbus_llm("cirrus-1", api_key="test-key-alpha").metadata.MAX_TOKENS == 16384


async def test_it_is_called_as_its_metadata_says(shelf: Path, upstream: Upstream, monkeypatch):
    monkeypatch.setenv("NIMBUS_API_KEY", "test-key-alpha")
    monkeypatch.setenv("NIMBUS_BASE_URL", upstream.base_url)
    message = {"role": "assistant", "content": "hello"}
    upstream.answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    async with create_provider(SLUG, project="weather") as provider:
        answer = await provider.chat_completion(
            ChatRequest(model="cirrus-1", messages=[{"role": "user", "content": "Hi"}])
        )

    assert answer.text == "hello"
    assert upstream.seen[0].headers["authorization"] == "Bearer test-key-alpha"
    assert upstream.seen[0].headers["x-nimbus-project"] == "weather"


def test_the_contract_suite_holds_for_it(shelf: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/providers/contract", "-k", SLUG],
        env={**os.environ, "LLM_PROVIDER_PATH": str(shelf)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


@pytest.mark.django_db
def test_the_console_offers_its_form(shelf: Path, owner):
    browser = Client()
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")

    chooser = browser.get(reverse("providers:add"))
    form = browser.get(reverse("providers:add"), {"kind": SLUG})

    assert f"kind={SLUG}" in chooser.content.decode()
    assert form.status_code == 200
    page = form.content.decode()
    assert "Nimbus" in page
    assert "Whose quota a call counts against." in page
    assert "https://api.nimbus.example/v1" in page


@pytest.mark.django_db
def test_rest_makes_one(shelf: Path, actor):
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change

    with change(by=actor):
        _, key = issue_key(create_service(name="caller", scopes=["admin"]))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")

    made = client.post(
        "/api/v1/providers/", {"slug": "weather", "kind": SLUG, "options": {"project": "w"}}, format="json"
    )

    assert made.status_code == 201, made.content
    assert (made.json()["kind"], made.json()["options"]) == (SLUG, {"project": "w"})
