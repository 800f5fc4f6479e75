"""What Mistral's API is and takes: OpenAI's dialect, but fields that it doesn't know are an error."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata
from providers.base.parameters import ParameterRules

METADATA = ProviderMetadata(
    slug="mistral",
    label="Mistral",
    docs_url="https://docs.mistral.ai/api/",
    keys_url="https://console.mistral.ai/api-keys",
    base_url="https://api.mistral.ai/v1",
    default_model="mistral-small-latest",
    credentials=(CredentialField(env=("MISTRAL_API_KEY",)),),
    options=(
        OptionField(
            name="safe_prompt",
            label="Safe prompt",
            type="boolean",
            body="safe_prompt",
            help="Put Mistral's safety prompt before every chat.",
        ),
    ),
    capabilities=frozenset(
        {"chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning", "embeddings", "models"}
    ),
    env={"base_url": "MISTRAL_BASE_URL", "default_model": "MISTRAL_DEFAULT_MODEL"},
    parameters=ParameterRules(
        rename={"seed": "random_seed", "dimensions": "output_dimension"},
        refused=frozenset({"logit_bias", "logprobs", "top_logprobs"}),
        dropped=frozenset({"user"}),
    ),
    # Usage comes with the last chunk of every stream, and `stream_options` is a field that Mistral doesn't know.
    asks_for_stream_usage=False,
    takes_extra_content=False,
)
