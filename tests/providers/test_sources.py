from __future__ import annotations

from pathlib import Path

import pytest

from providers.config import ConfigError, LLMConfig

YAML = """
default_provider: openai
default_model: fast                    # an alias or provider/model
providers:
  openai: {api_base: https://api.openai.com/v1, organization: org-123, api_key: "${OPENAI_API_KEY}", timeout_s: 60, max_retries: 2}
  lab: {kind: local, api_base: "http://127.0.0.1:9000/v1", headers: {X-Team: lab}}   # kind is the provider type
models:
  - {name: gpt-4.1-mini, provider: openai, max_tokens: 4096, temperature: 0.7, is_default: true, context_window: 1047576,
     price: {input_usd_per_mtok: "0.40", cached_input_usd_per_mtok: "0.10", output_usd_per_mtok: "1.60"}}
  - {name: llama-lab, provider: lab, max_tokens: 4096, price: {input_usd_per_mtok: "0", output_usd_per_mtok: "0"}}
aliases:
  fast: openai/gpt-4.1-mini
  safe: {strategy: priority, targets: [openai/gpt-4.1-mini, lab/llama-lab], params: {temperature: 0.2}}
agents:
  coder: {alias: safe, params: {max_tokens: 800}}
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


# The environment


def test_without_anything_in_the_environment_the_config_is_empty():
    config = LLMConfig.from_env({})

    assert (dict(config.providers), config.default_model) == ({}, None)


def test_every_provider_with_a_key_is_in_the_fallback_chain_after_openrouter():
    config = LLMConfig.from_env({"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a", "OPENROUTER_API_KEY": "r"})

    resolved = config.resolve(config.default_model or "")

    assert [target.provider for target in resolved.targets] == ["openrouter", "anthropic", "openai"]
    assert resolved.kind == "alias"
    assert config.providers["openai"].api_key == "o"


def test_the_preferred_provider_comes_first():
    environ = {
        "OPENAI_API_KEY": "o",
        "ANTHROPIC_API_KEY": "a",
        "OPENROUTER_API_KEY": "r",
        "PREFERRED_LLM_PROVIDER": "OpenAI",
    }

    config = LLMConfig.from_env(environ)

    assert [t.provider for t in config.resolve("default").targets] == ["openai", "openrouter", "anthropic"]
    assert config.default_provider == "openai"


def test_a_preferred_provider_without_a_key_leaves_the_others_working():
    config = LLMConfig.from_env({"OPENAI_API_KEY": "o", "PREFERRED_LLM_PROVIDER": "anthropic"})

    assert [t.provider for t in config.resolve("default").targets] == ["openai"]


def test_variables_set_the_address_the_default_model_and_the_patience_of_a_provider():
    config = LLMConfig.from_env(
        {
            "OPENAI_API_KEY": "o",
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
            "OPENAI_DEFAULT_MODEL": "my-model",
            "LLM_REQUEST_TIMEOUT": "7.5",
            "LLM_MAX_RETRIES": "5",
            "LLM_RETRY_DELAY": "0.1",
            "LLM_RETRY_MAX_DELAY": "3",
        }
    )

    openai = config.providers["openai"]
    assert (openai.base_url, openai.default_model) == ("http://127.0.0.1:9/v1", "my-model")
    assert (openai.timeout_s, openai.max_retries, openai.retry_delay_s, openai.retry_max_delay_s) == (7.5, 5, 0.1, 3.0)
    assert config.resolve("default").targets[0].name == "openai/my-model"


def test_a_server_of_our_own_needs_an_address_and_no_key():
    config = LLMConfig.from_env(
        {"LOCAL_LLM_BASE_URL": "http://127.0.0.1:9000/v1", "OLLAMA_BASE_URL": "http://127.0.0.1:11"}
    )

    assert config.providers["local"].base_url == "http://127.0.0.1:9000/v1"
    assert config.providers["ollama"].base_url == "http://127.0.0.1:11"
    assert config.resolve("local/whatever-it-serves").targets[0].model == "whatever-it-serves"


def test_known_models_come_with_their_list_prices():
    config = LLMConfig.from_env({"OPENAI_API_KEY": "o"})

    model = config.models["openai/gpt-4.1-mini"]

    assert model.price is not None
    assert model.price.input_usd_per_mtok is not None
    assert model.context_window


@pytest.mark.parametrize("name", ["LLM_REQUEST_TIMEOUT", "LLM_MAX_RETRIES", "LLM_RETRY_DELAY"])
@pytest.mark.parametrize("value", ["soon", "-1"])
def test_a_variable_that_is_no_number_is_named(name, value):
    with pytest.raises(ConfigError) as caught:
        LLMConfig.from_env({"OPENAI_API_KEY": "o", name: value})

    assert list(caught.value.fields) == [name]


def test_a_server_without_a_service_key_is_said_to_lack_it():
    with pytest.raises(ConfigError, match="LLMADMIN_SERVICE_KEY"):
        LLMConfig.from_env({"LLMADMIN_URL": "http://127.0.0.1:9"})


# The file


def test_the_file_of_the_documentation_reads_as_documented():
    config = LLMConfig.from_yaml(YAML, environ={"OPENAI_API_KEY": "test-key-alpha"})

    openai = config.providers["openai"]
    assert (openai.api_key, openai.options) == ("test-key-alpha", {"organization": "org-123"})
    assert (config.providers["lab"].kind, config.providers["lab"].headers) == ("local", {"X-Team": "lab"})
    assert config.default_model == "fast"
    assert config.resolve("coder").targets[0].params == {"max_tokens": 800, "temperature": 0.2}
    written = config.models["openai/gpt-4.1-mini"]
    assert written.context_window == 1047576
    assert config.to_document()["models"][written.key]["price"] == {
        "input_usd_per_mtok": "0.4",
        "cached_input_usd_per_mtok": "0.1",
        "output_usd_per_mtok": "1.6",
    }


def test_a_variable_that_is_missing_is_named_with_its_place():
    with pytest.raises(ConfigError) as caught:
        LLMConfig.from_yaml(YAML, environ={})

    assert caught.value.fields == {
        "providers.openai.api_key": "Needs the environment variable OPENAI_API_KEY, which is not set."
    }


def test_without_the_environment_references_stay_as_they_are():
    config = LLMConfig.from_yaml(YAML, use_environment=False)

    assert config.providers["openai"].api_key == "${OPENAI_API_KEY}"


def test_the_environment_beats_the_file_but_not_a_reference_in_it():
    text = """
    providers:
      openai: {base_url: "http://file/v1", api_key: from-file, timeout_s: 60}
      anthropic: {api_key: "${TEAM_KEY}"}
    """
    environ = {
        "OPENAI_BASE_URL": "http://environment/v1",
        "OPENAI_API_KEY": "from-environment",
        "LLM_REQUEST_TIMEOUT": "5",
        "ANTHROPIC_API_KEY": "general",
        "TEAM_KEY": "of-the-team",
    }

    config = LLMConfig.from_yaml(text, environ=environ)

    openai = config.providers["openai"]
    assert (openai.base_url, openai.api_key, openai.timeout_s) == ("http://environment/v1", "from-environment", 5)
    assert config.providers["anthropic"].api_key == "of-the-team"


def test_keys_that_refer_to_the_environment_are_kept_and_written_ones_give_way():
    text = """
    providers:
      openai: {keys: [{label: a, api_key: "${KEY_A}"}, {label: b, api_key: "${KEY_B}"}]}
      anthropic: {keys: [{label: a, api_key: from-file}]}
    """
    environ = {"OPENAI_API_KEY": "general", "KEY_A": "a", "KEY_B": "b", "ANTHROPIC_API_KEY": "general"}

    config = LLMConfig.from_yaml(text, environ=environ)

    assert [key.api_key for key in config.providers["openai"].keys] == ["a", "b"]
    assert [key.api_key for key in config.providers["anthropic"].keys] == ["general"]


def test_two_providers_of_one_kind_do_not_share_a_key_by_accident():
    text = "providers: {openai: {}, openai-eu: {kind: openai}}\n"

    config = LLMConfig.from_yaml(text, environ={"OPENAI_API_KEY": "general", "OPENAI_EU_API_KEY": "european"})

    assert [provider.api_key for provider in config.providers.values()] == ["general", "european"]


def test_the_preferred_provider_of_the_environment_beats_the_default_of_the_file():
    environ = {"OPENAI_API_KEY": "o", "PREFERRED_LLM_PROVIDER": "lab"}

    assert LLMConfig.from_yaml(YAML, environ=environ).default_model == "lab/llama-lab"


def test_a_file_is_found_by_path_by_variable_and_in_the_working_directory(tmp_path: Path):
    (tmp_path / "llm_config.yaml").write_text("providers: {here: {kind: local}}\n")
    other = tmp_path / "other.yaml"
    other.write_text("providers: {there: {kind: local}}\n")

    found = [
        LLMConfig.from_yaml(other, environ={}),
        LLMConfig.from_yaml(str(other), environ={}),
        LLMConfig.from_env({"LLM_CONFIG_FILE": str(other)}),
        LLMConfig.from_env({}),
    ]

    assert [list(config.providers) for config in found] == [["there"], ["there"], ["there"], ["here"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("providers: [\n", "no valid YAML in line"),
        ("- a\n- b\n", "Must be a mapping"),
        ("alias: {fast: openai/x}\n", "Is no section"),
        ("providers: {openai: {timeout_s: long}}\n", "Must be a number"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text, message):
    with pytest.raises(ConfigError, match=message):
        LLMConfig.from_yaml(text, environ={})


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: Can't be read"):
        LLMConfig.from_env({"LLM_CONFIG_FILE": "nowhere.yaml"})


def test_yaml_written_never_holds_a_key():
    config = LLMConfig.from_yaml(YAML, environ={"OPENAI_API_KEY": "test-key-alpha"})

    assert "test-key-alpha" not in config.to_yaml()
