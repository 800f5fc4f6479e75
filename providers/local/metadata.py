"""What is assumed of a server that speaks OpenAI's dialect and of which nothing else is known."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="local",
    label="OpenAI-compatible server",
    docs_url="https://platform.openai.com/docs/api-reference/chat",
    base_url=None,
    credentials=(
        CredentialField(env=("LOCAL_LLM_API_KEY",), is_required=False, help="Leave it empty where the server asks for none."),
    ),
    options=(
        OptionField(
            name="stream_usage",
            label="Ask streams for usage",
            type="boolean",
            default=True,
            help="Turn it off for a server that rejects stream_options; calls are then billed by estimate.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={"base_url": "LOCAL_LLM_BASE_URL", "default_model": "LOCAL_LLM_DEFAULT_MODEL"},
    is_self_hosted=True,
)  # fmt: skip
