"""`python -m providers`."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers import readme
from providers.__main__ import main
from providers.folders import Folder
from providers.registry import get_registry
from tests.providers.test_manager import chat, chunks
from tests.providers.upstream import Upstream


@pytest.fixture(autouse=True)
def _with_a_local_server_configured(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "LLM_CONFIG_FILE", "LLMADMIN_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_LLM_BASE_URL", upstream.base_url)
    monkeypatch.setenv("LLM_MAX_RETRIES", "0")


def test_list_names_every_folder_and_what_is_configured(capsys):
    assert main(["list"]) == 0

    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == set(get_registry().slugs())
    assert "configured" in lines["local"]
    assert "configured" not in lines["openai"]


def test_call_prints_the_answer_alone(upstream: Upstream, capsys):
    upstream.answer(200, chat())

    assert main(["call", "local/llama", "ping"]) == 0

    printed = capsys.readouterr()
    assert printed.out == "pong\n"
    assert "1000 tokens in, 500 out, price unknown" in printed.err


def test_call_prints_a_stream_as_it_comes(upstream: Upstream, capsys):
    upstream.stream(*chunks("po", "ng"))

    assert main(["call", "local/llama", "ping", "--stream"]) == 0

    assert capsys.readouterr().out == "pong\n"


def test_call_says_what_failed(upstream: Upstream, capsys):
    upstream.answer(500, b"broken")

    assert main(["call", "local/llama", "ping"]) == 1

    assert "local/llama [500]" in capsys.readouterr().err


def test_an_unknown_name_is_misuse(capsys):
    assert main(["call", "nothing", "ping"]) == 2
    assert "No alias, agent or model is called 'nothing'" in capsys.readouterr().err


def test_check_makes_one_free_call(upstream: Upstream, capsys):
    upstream.answer(200, {"object": "list", "data": []})

    assert main(["check", "local"]) == 0

    assert capsys.readouterr().out.startswith("local: ok")
    assert [seen.method for seen in upstream.seen] == ["GET"]


def test_check_says_what_is_wrong(capsys):
    assert main(["check", "openai"]) == 1
    assert capsys.readouterr().err.startswith("openai: key:")


def test_the_tables_of_every_readme_are_up_to_date():
    assert readme.refresh(is_check=True) == []


def test_tables_are_written_between_their_markers_and_stay_there():
    text = "# Acme\n\nWords.\n"

    once = readme.with_tables(text, "| a |")
    twice = readme.with_tables(f"{once}\nMore words.\n", "| b |")

    assert once == f"# Acme\n\nWords.\n\n{readme.START}\n| a |\n{readme.END}\n"
    assert "| a |" not in twice
    assert twice.endswith("More words.\n")


def test_the_tables_show_settings_capabilities_and_prices():
    tables = readme.tables(get_registry().folder("openai"))

    assert "| `api_key` | `OPENAI_API_KEY` | yes |" in tables
    assert "| the provider | yes |" in tables
    assert "| `gpt-4.1-mini` | 1,047,576 | 32,768 | 0.4 | 0.1 |  | 1.6 |  |" in tables


def test_the_tables_show_every_price_of_a_model_with_its_day_and_its_tiers(tmp_path: Path):
    (tmp_path / "models.toml").write_text(
        """
[[models]]
name = "m"
context_window = 1000
capabilities = ["chat"]
[[models.prices]]
effective_from = 2026-12-01
input_usd_per_mtok = "4"
tiers = [{above_input_tokens = 2000, input_usd_per_mtok = "8", cache_write_usd_per_mtok = "9"}]
[[models.prices]]
effective_from = 2020-01-01
input_usd_per_mtok = "2"
output_usd_per_mtok = "3"
[[models]]
name = "unpriced"
""",
        encoding="utf-8",
    )
    metadata = get_registry().metadata("openai")

    tables = readme.tables(Folder(tmp_path, "openai", metadata))

    assert tables.endswith(
        """
| `m` | 1,000 |  | 2 |  |  | 3 |  |
|  |  |  | 4 |  |  |  | from 2026-12-01 |
|  |  |  | 8 |  | 9 |  | from 2026-12-01 above 2,000 tokens in |
| `unpriced` |  |  |  |  |  |  |  |"""
    )
