"""Every example in a provider folder's README runs as it stands, against a server on loopback that speaks its dialect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from providers.base.models import load_models
from providers.registry import get_registry
from providers.transport import close_transports
from tests.docs.guides import blocks, run
from tests.providers.contract.dialects import DIALECTS
from tests.providers.upstream import Answer, Seen, Upstream

_ADDRESS = re.compile(r"https?://[^\"]+")
_NO_KEY = '"…"'


def readme(slug: str) -> str:
    return (get_registry().folder(slug).path / "README.md").read_text(encoding="utf-8")


@pytest.fixture
async def _connections_end():
    yield
    await close_transports()


@pytest.fixture
def speaking(upstream: Upstream, monkeypatch: pytest.MonkeyPatch):
    """Let the server answer in a dialect: streams, plain answers and model lists, whatever a request asks for."""

    def speak(slug: str) -> Upstream:
        dialect = DIALECTS[get_registry().metadata(slug).dialect]

        def answer(seen: Seen) -> Answer:
            upstream.seen.append(seen)
            if seen.method == "POST" and ("stream" in seen.path or seen.json.get("stream") is True):
                return Answer(headers={"content-type": "text/event-stream"}, pieces=dialect.stream)
            body = dialect.models if seen.method == "GET" else dialect.answer
            return Answer(headers={"content-type": "application/json"}, body=json.dumps(body).encode())

        monkeypatch.setattr(upstream, "next_answer", answer)
        for name in get_registry().metadata(slug).variables().get("base_url", ()):
            monkeypatch.setenv(name, upstream.base_url)
        return upstream

    return speak


@pytest.mark.usefixtures("_connections_end")
@pytest.mark.parametrize("slug", get_registry().slugs())
async def test_the_example_runs(slug: str, speaking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    upstream = speaking(slug)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}

    for block in blocks(readme(slug), "python"):
        await run(_ADDRESS.sub(upstream.base_url, block.replace(_NO_KEY, '"test-key-alpha"')), names)

    answer = names.get("answer")
    assert upstream.seen, "an example has to make a call"
    assert (answer.text if answer is not None else capsys.readouterr().out.strip()) in {"pong", "['m']"}


@pytest.mark.parametrize("slug", get_registry().slugs())
def test_the_readme_says_what_a_newcomer_needs(slug: str):
    text = readme(slug)

    assert [part for part in ("## Set-up", "## Example", "## Worth knowing") if f"\n{part}\n" not in text] == []
    assert [part for part in ("| setting |", "| the provider |") if part not in text] == []
    assert len(blocks(text, "python")) >= 1
    assert "| `base_url` |" in text


@pytest.mark.parametrize(
    "slug", [slug for slug in get_registry().slugs() if not load_models(get_registry().folder(slug).path).models]
)
def test_a_folder_without_listed_models_says_why(slug: str):
    assert "not listed here" in readme(slug)
