"""Files of other makes: LiteLLM's `config.yaml` and `.env`, in the shapes that their documentation shows, in our words."""

from __future__ import annotations

from typing import Any

import pytest

from llmadmin.accounts.actors import command_actor
from llmadmin.config.importing import apply_document
from llmadmin.config.reading.documents import Reading, read_text
from llmadmin.config.selectors import latest
from llmadmin.core.errors import InvalidError
from llmadmin.vault.models import ApiKey
from llmadmin.vault.opening import open_sealed, sealed_rows

BY = command_actor(source="file")
ENVIRON = {
    "NORTH_KEY": "test-key-north-1",
    "SOUTH_KEY": "test-key-south-1",
    "HOME_OF_AZURE": "https://res.example.com/",
}

BALANCED = """
model_list:
  - model_name: chat
    litellm_params: {model: azure/chat-north, api_base: os.environ/HOME_OF_AZURE, api_key: os.environ/NORTH_KEY,
                     api_version: "2024-06-01", rpm: 30}
  - model_name: chat
    litellm_params: {model: azure/chat-south, api_base: "https://south.example.com/openai/deployments/chat-south", rpm: 10,
                     api_key: os.environ/SOUTH_KEY}
    model_info: {base_model: azure/gpt-4o, id: south, team: research}
  - model_name: mini
    litellm_params: {model: gpt-4.1-mini, api_key: test-key-openai, temperature: 0.2, organization: org-9}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/NOT_SET, max_tokens: 900,
                     input_cost_per_token: 0.000003, output_cost_per_token: 1.5e-05}
router_settings:
  routing_strategy: simple-shuffle
  model_group_alias: {gpt-4: chat, old: {model: mini, hidden: true}}
  num_retries: 3
  timeout: 30
  allowed_fails: 2
litellm_settings:
  fallbacks: [{chat: [mini, claude]}]
  context_window_fallbacks: [{mini: [claude]}]
  drop_params: true
general_settings: {master_key: os.environ/MASTER, alerting: [slack]}
"""


def read(text: str, **more: Any) -> Reading:
    return read_text(text, environ=ENVIRON, **more)


def targets_of(reading: Reading, alias: str) -> list[tuple[str, int]]:
    return [(target.model, target.weight) for target in reading.config.aliases[alias].targets]


def test_a_balanced_group_becomes_an_alias_with_weights_and_fallbacks_behind() -> None:
    reading = read(BALANCED)

    assert reading.config.aliases["chat"].strategy == "weighted"
    assert targets_of(reading, "chat") == [
        ("azure/chat-north", 30),
        ("azure-2/chat-south", 10),
        ("openai/gpt-4.1-mini", 0),
        ("anthropic/claude-sonnet-4-5", 0),
    ]
    assert targets_of(reading, "gpt-4") == targets_of(reading, "chat")
    assert reading.config.aliases["mini"].strategy == "priority"
    assert targets_of(reading, "old") == [("openai/gpt-4.1-mini", 1), ("anthropic/claude-sonnet-4-5", 1)]


def test_addresses_keys_options_and_calls_become_the_providers() -> None:
    providers = read(BALANCED).config.providers

    assert (providers["azure"].base_url, providers["azure-2"].base_url) == (
        "https://res.example.com",
        "https://south.example.com",
    )
    assert providers["azure"].options == {"api_version": "2024-06-01"}
    assert providers["openai"].options == {"organization": "org-9"}
    assert [(key.label, key.api_key) for key in providers["azure"].keys] == [("NORTH_KEY", "test-key-north-1")]
    assert [(key.label, key.api_key) for key in providers["anthropic"].keys] == [("NOT_SET", None)]
    assert {(one.timeout_s, one.max_retries) for one in providers.values()} == {(30, 3)}


def test_parameters_go_to_targets_and_prices_to_models() -> None:
    config = read(BALANCED).config

    assert config.aliases["mini"].targets[0].params == {"temperature": 0.2}
    assert config.aliases["claude"].targets[0].params == {"max_tokens": 900}
    price = config.models["anthropic/claude-sonnet-4-5"].price
    assert price is not None
    assert (str(price.input_usd_per_mtok), str(price.output_usd_per_mtok)) == ("3", "15")
    listed = config.models["azure-2/chat-south"]
    assert listed.price is not None
    assert listed.context_window == 128_000
    assert config.models["azure/chat-north"].price is None


def test_what_has_no_counterpart_is_named() -> None:
    assert read(BALANCED).warnings == (
        "The API key of anthropic is read from NOT_SET, which is not known here: enter it.",
        "model_info.team of chat is not carried over.",
        "litellm_settings.context_window_fallbacks: these targets also answer when the ones before them fail.",
        "rpm and tpm became the weights of targets; they limit nothing here. Set limits at the API keys.",
        "router_settings: allowed_fails is not carried over.",
        "litellm_settings: drop_params is not carried over.",
        "general_settings.master_key: callers get service keys of their own here (create-service).",
        "general_settings: alerting is not carried over.",
    )


@pytest.mark.django_db
def test_litellms_file_is_applied_and_its_keys_open() -> None:
    result = apply_document(read(BALANCED), by=BY)

    opened = {row.label: open_sealed(row, origin=row.origin) for row in sealed_rows()}
    assert opened == {"NORTH_KEY": "test-key-north-1", "SOUTH_KEY": "test-key-south-1", "default": "test-key-openai"}
    assert ApiKey.objects.get(label="NOT_SET").state == "locked"
    assert latest().document["aliases"].keys() == {"chat", "mini", "claude", "gpt-4", "old"}
    assert any("Provider anthropic has no API key that can be used" in sentence for sentence in result.warnings)
    assert not apply_document(read(BALANCED), by=BY).changed


def one(model: str, *, more: str = "", name: str = "m") -> str:
    return f'model_list: [{{model_name: "{name}", litellm_params: {{model: "{model}", api_key: test-key-1{more}}}}}]'


@pytest.mark.parametrize(
    ("text", "kind", "base_url", "model"),
    [
        pytest.param(one("openai/gpt-4o"), "openai", None, "openai/gpt-4o", id="openai"),
        pytest.param(one("gpt-4o"), "openai", None, "openai/gpt-4o", id="a model alone"),
        pytest.param(one("claude-3-5-haiku"), "anthropic", None, "anthropic/claude-3-5-haiku", id="claude alone"),
        pytest.param(one("gemini/gemini-2.5-pro"), "google", None, "gemini/gemini-2.5-pro", id="gemini"),
        pytest.param(one("openrouter/google/g-2"), "openrouter", None, "openrouter/google/g-2", id="two slashes"),
        pytest.param(one("groq/llama-3"), "local", "https://api.groq.com/openai/v1", "groq/llama-3", id="groq"),
        pytest.param(
            one("openai/org/own", more=', api_base: "http://10.0.0.5:4000/v1"'),
            "local", "http://10.0.0.5:4000/v1", "local/org/own", id="a server of OpenAI's dialect",
        ),
        pytest.param(
            one("org/own", more=', custom_llm_provider: hosted_vllm, api_base: "http://10.0.0.5:8000/v1"'),
            "vllm", "http://10.0.0.5:8000/v1", "hosted_vllm/org/own", id="a provider by its own field",
        ),
        pytest.param(
            one("huggingface/org/m", more=', api_base: "https://x.endpoints.example"'),
            "huggingface", "https://x.endpoints.example/v1", "huggingface/org/m", id="a dedicated endpoint",
        ),
        pytest.param(
            one("ollama_chat/mistral", more=', api_base: "http://127.0.0.1:11434"'),
            "ollama", "http://127.0.0.1:11434", "ollama_chat/mistral", id="ollama",
        ),
        pytest.param(
            one("azure/o_series/dep", more=', api_base: "https://r.example.com/openai/deployments/dep/chat?api-version=1"'),
            "azure", "https://r.example.com", "azure/dep", id="azure with a whole address",
        ),
    ],
)  # fmt: skip
def test_each_provider_prefix_finds_its_folder(text: str, kind: str, base_url: str | None, model: str) -> None:
    config = read(text).config

    (provider,) = config.providers.values()
    assert (provider.kind, provider.base_url, [*config.models]) == (kind, base_url, [model])
    assert targets_of(read(text), "m") == [(model, 1)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            one("bedrock/anthropic.claude"), "there is no provider here that speaks to bedrock", id="an unknown vendor"
        ),
        pytest.param(one("openai/*", name="openai/*"), "openai/* stands for every model", id="a wildcard"),
        pytest.param(one("*", name="*"), "* stands for every model", id="everything"),
        pytest.param(one("azure/x"), "it names no api_base", id="no address"),
        pytest.param(one("ollama/m", more=", api_base: your_ollama_base"), "is no address", id="a placeholder"),
    ],
)
def test_a_deployment_that_can_not_be_carried_over_is_left_out_and_named(text: str, sentence: str) -> None:
    reading = read(text)

    assert reading.config.aliases == {}
    assert any(sentence in one for one in reading.warnings)


def test_several_organizations_become_several_accounts() -> None:
    reading = read(one("gpt-4o", more=", organization: [org-1, org-2]"))

    assert targets_of(reading, "m") == [("openai/gpt-4o", 1), ("openai-2/gpt-4o", 1)]
    assert [one.options["organization"] for one in reading.config.providers.values()] == ["org-1", "org-2"]


def test_credentials_are_found_by_their_name() -> None:
    reading = read(
        """
        credential_list: [{credential_name: home, credential_values: {api_key: test-key-home, api_base: "https://h.example.com"}}]
        model_list: [{model_name: m, litellm_params: {model: azure/dep, litellm_credential_name: home}}]
        """
    )

    provider = reading.config.providers["azure"]
    assert (provider.base_url, provider.api_key) == ("https://h.example.com", "test-key-home")


@pytest.mark.parametrize(
    ("strategy", "ours"),
    [
        ("simple-shuffle", "weighted"),
        ("latency-based-routing", "least_latency"),
        ("cost-based-routing", "cheapest"),
        ("least-busy", "round_robin"),
        ("a-new-one", "weighted"),
    ],
)
def test_routing_strategies_find_their_nearest(strategy: str, ours: str) -> None:
    text = f"""
    model_list:
      - {{model_name: m, litellm_params: {{model: openai/a, api_key: test-key-1}}}}
      - {{model_name: m, litellm_params: {{model: openai/b, api_key: test-key-1}}}}
    router_settings: {{routing_strategy: {strategy}}}
    """

    assert read(text).config.aliases["m"].strategy == ours


def test_an_order_of_deployments_is_kept() -> None:
    text = """
    model_list:
      - {model_name: m, litellm_params: {model: openai/second, api_key: test-key-1, order: 2}}
      - {model_name: m, litellm_params: {model: openai/first, api_key: test-key-1, order: 1}}
    """

    assert read(text).config.aliases["m"].strategy == "priority"
    assert [name for name, _ in targets_of(read(text), "m")] == ["openai/first", "openai/second"]


def test_a_server_reads_no_environment_for_litellms_file() -> None:
    with pytest.raises(InvalidError) as refused:
        read_text(BALANCED)

    assert refused.value.fields == {
        "model_list.0.litellm_params.api_base": (
            "Needs the environment variable HOME_OF_AZURE. Write the value itself: the server reads no environment for a file."
        )
    }


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("model_list: {a: 1}", "model_list", id="no list"),
        pytest.param("model_list: [{model_name: x}]", "model_list.0", id="no params"),
        pytest.param(one("openai/x", name="has spaces"), "aliases.has spaces", id="a name that is none here"),
    ],
)
def test_a_broken_file_of_litellms_is_refused_with_the_place(text: str, path: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(text)

    assert path in refused.value.fields


DOTENV = """
# our providers
export OPENAI_API_KEY="test-key-openai"   # the team's
MISTRAL_API_KEY='test-key-mistral'
LOCAL_LLM_BASE_URL=http://127.0.0.1:9000/v1 # the lab
PREFERRED_LLM_PROVIDER=mistral
LLM_REQUEST_TIMEOUT=20
DATABASE_URL=postgres://nobody@db/app
"""


@pytest.mark.parametrize("name", [".env", "", "prod.env"])
def test_a_dotenv_file_makes_providers_keys_and_the_default_chain(name: str) -> None:
    reading = read_text(DOTENV, name=name)

    assert [*reading.config.providers] == ["mistral", "local", "openai"]
    assert reading.config.providers["openai"].api_key == "test-key-openai"
    assert reading.config.providers["local"].base_url == "http://127.0.0.1:9000/v1"
    assert {one.timeout_s for one in reading.config.providers.values()} == {20}
    assert reading.config.default_model == "default"
    assert targets_of(reading, "default")[0][0].startswith("mistral/")
    assert reading.warnings == ("Passed over, since no provider reads them: DATABASE_URL.",)


@pytest.mark.django_db
def test_a_dotenv_file_is_applied() -> None:
    apply_document(read_text(DOTENV, name=".env"), by=BY)

    assert {row.provider_slug for row in sealed_rows()} == {"openai", "mistral"}
    assert latest().document["default_model"] == "default"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("OPENAI_API_KEY", "Line 1 is no NAME=value", id="no value"),
        pytest.param('A="x', "Line 1 opens a quote that it does not close", id="an open quote"),
        pytest.param("LLM_MAX_RETRIES=many", "Must be a whole number", id="no number"),
    ],
)
def test_a_dotenv_file_that_can_not_be_read_is_refused_by_line(text: str, sentence: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_text(text, name=".env")

    assert sentence in refused.value.message


def test_values_of_a_dotenv_file_are_taken_as_shells_do() -> None:
    from llmadmin.config.reading.dotenv import read_variables

    text = 'A="a \\"b\\" #c" # d\nB=\'x\\n\'\nC=plain#same # comment\nD=\nE="1\\n2"'

    assert read_variables(text, name=".env") == {"A": 'a "b" #c', "B": "x\\n", "C": "plain#same", "D": "", "E": "1\n2"}


def test_text_that_looks_like_a_path_is_no_path(tmp_path: Any) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("providers: {lab: {kind: local, base_url: 'http://127.0.0.1:9'}}")

    with pytest.raises(InvalidError, match="Must be a mapping"):
        read_text(str(file))
