from __future__ import annotations

from pathlib import Path

import pytest

import providers.llm_config as current
from providers import LLM_PROVIDERS, MODEL_ALIASES, get_llm_provider_config, get_model_real_name
from providers.client import ConfigAccessError
from providers.config import LLMConfig, UnknownNameError
from tests.providers.upstream import Upstream


@pytest.fixture(autouse=True)
def _with_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "LLM_CONFIG_FILE", "LLMADMIN_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    current.set_current_config(None)


def test_a_provider_config_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-alpha")

    found = get_llm_provider_config("anthropic")

    assert found["api_key"] == "test-key-alpha"
    assert found["base_url"] == found["endpoint"] == "https://api.anthropic.com"
    assert found["default_model"]


def test_a_provider_nobody_configured_gives_its_defaults():
    assert get_llm_provider_config("openai")["api_key"] is None
    assert get_llm_provider_config("openai")["base_url"] == "https://api.openai.com/v1"


def test_a_provider_that_does_not_exist_is_named():
    with pytest.raises(UnknownNameError, match="No provider is called 'nobody'"):
        get_llm_provider_config("nobody")


def test_the_mappings_are_live(monkeypatch: pytest.MonkeyPatch):
    before = (dict(LLM_PROVIDERS), dict(MODEL_ALIASES))
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-alpha")
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "my-model")

    assert before == ({}, {})
    assert list(LLM_PROVIDERS) == ["openai"]
    assert LLM_PROVIDERS["openai"]["api_key"] == "test-key-alpha"
    assert dict(MODEL_ALIASES) == {"default": "my-model"}


def test_the_mappings_cannot_be_changed_and_show_no_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-alpha")

    with pytest.raises(TypeError):
        MODEL_ALIASES["x"] = "y"  # type: ignore[index]
    assert repr(LLM_PROVIDERS) == "<openai>"


def test_the_real_name_of_an_alias_is_that_of_its_first_target_without_prefix(tmp_path: Path):
    (tmp_path / "llm_config.yaml").write_text(
        """
        providers: {anthropic: {}, openrouter: {}}
        models: [{name: claude-sonnet-4-5, provider: anthropic}, {name: meta/llama, provider: openrouter}]
        aliases:
          sonnet-3.7: [anthropic/claude-sonnet-4-5, openrouter/meta/llama]
          gpt-4.1: openrouter/meta/llama
        """
    )

    assert get_model_real_name("sonnet-3.7") == "claude-sonnet-4-5"
    assert get_model_real_name("gpt-4.1") == "meta/llama"
    assert get_model_real_name("anthropic/claude-sonnet-4-5") == "anthropic/claude-sonnet-4-5"


def test_a_changed_file_is_read_again(tmp_path: Path):
    path = tmp_path / "llm_config.yaml"
    path.write_text("providers: {one: {kind: local}}\n")
    before = list(LLM_PROVIDERS)
    path.write_text("providers: {another: {kind: local}}\n")

    assert (before, list(LLM_PROVIDERS)) == (["one"], ["another"])


@pytest.fixture
def server(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    monkeypatch.setenv("LLMADMIN_URL", upstream.base_url)
    monkeypatch.setenv("LLMADMIN_SERVICE_KEY", "test-service-key")
    monkeypatch.setenv("LLMADMIN_CACHE_DIR", str(tmp_path))
    return upstream


def document(version: int) -> dict:
    return {"version": version, "published_at": None, "default_model": None, "providers": {}, "models": {}}


def test_a_new_version_of_the_server_is_taken_up_without_anybody_waiting(server: Upstream):
    server.answer(200, document(1))
    server.answer(200, document(2))
    held = current.CurrentConfig(check_s=0)

    versions = [held.get().version, held.get().version]
    held.finish_check()
    versions.append(held.get().version)
    held.finish_check()

    assert versions == [1, 1, 2]


def test_a_server_that_did_not_change_gives_the_very_same_config(server: Upstream):
    server.answer(200, document(1))
    held = current.CurrentConfig(check_s=0)
    first = held.get()
    held.get()
    held.finish_check()

    assert held.get() is first
    held.finish_check()


def test_a_server_that_refuses_the_key_ends_the_config(server: Upstream):
    server.answer(200, document(1))
    server.answer(401, b"")
    held = current.CurrentConfig(check_s=0)
    held.get()
    held.get()
    held.finish_check()

    with pytest.raises(ConfigAccessError):
        held.get()


def test_g19_a_server_that_is_away_leaves_the_config_at_hand(server: Upstream):
    server.answer(200, document(1))
    server.answer(503, b"")
    held = current.CurrentConfig(check_s=0)
    held.get()
    held.get()
    held.finish_check()

    assert held.get().version == 1
    held.finish_check()


def test_an_unchanged_environment_gives_the_same_config():
    assert current.current_config() is current.current_config()


def test_a_program_may_set_its_own_config(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-alpha")
    current.set_current_config(LLMConfig(providers={"lab": {"kind": "local", "base_url": "http://lab/v1"}}))

    assert list(LLM_PROVIDERS) == ["lab"]
    assert get_llm_provider_config("lab")["endpoint"] == "http://lab/v1"
