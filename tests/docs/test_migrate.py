"""Every snippet of the guide "Move from an older style" runs as it stands, against a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import LLMConfig, set_current_config
from tests.docs.guides import blocks, read, run, sections
from tests.providers.test_manager import chat
from tests.providers.upstream import Upstream, UpstreamServer

GUIDE = sections(read("migrate"))
WITH_SNIPPETS = [heading for heading, text in GUIDE.items() if blocks(text, "python")]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = UpstreamServer()
    yield server.new()
    server.close()


@pytest.fixture(autouse=True)
def _in_an_application(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The guide's YAML file lies in the working directory, and every provider is the server on loopback."""
    (tmp_path / "llm_config.yaml").write_text(blocks(read("migrate"), "yaml")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("ANTHROPIC", "OPENROUTER", "OPENAI"):
        monkeypatch.setenv(f"{name}_API_KEY", "test-key-alpha")
    monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
    monkeypatch.delenv("LLM_CONFIG_FILE", raising=False)
    monkeypatch.delenv("LLMADMIN_URL", raising=False)
    set_current_config(None)
    yield
    set_current_config(None)


@pytest.mark.parametrize("heading", WITH_SNIPPETS)
async def test_the_snippets_run(heading: str, upstream: Upstream, capsys):
    for _ in range(10):
        upstream.answer(200, chat())
    config = LLMConfig(
        providers={"openai": {"base_url": upstream.base_url, "api_key": "test-key-alpha"}},
        models=[
            {
                "name": "gpt-4.1-mini",
                "provider": "openai",
                "price": {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"},
            }
        ],
    )
    names = {"base_url": upstream.base_url, "api_key": "test-key-alpha", "config": config}

    for block in blocks(GUIDE[heading], "python"):
        await run(block, names)

    printed = capsys.readouterr().out
    if upstream.seen:
        assert "pong" in printed or "True" in printed
    else:
        assert (names["real_model"], names["api_key"]) == ("claude-3-7-sonnet-latest", "test-key-alpha")


def test_every_older_style_has_its_section():
    assert len(WITH_SNIPPETS) == 5
    assert all("# before" in GUIDE[heading] for heading in WITH_SNIPPETS)
