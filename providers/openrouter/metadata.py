"""What OpenRouter is and takes: OpenAI's dialect with attribution headers and a say in who serves the model."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="openrouter",
    label="OpenRouter",
    docs_url="https://openrouter.ai/docs/api-reference/overview",
    keys_url="https://openrouter.ai/settings/keys",
    base_url="https://openrouter.ai/api/v1",
    default_model="openai/gpt-4.1-mini",
    credentials=(CredentialField(env=("OPENROUTER_API_KEY",), prefix="sk-or-"),),
    options=(
        OptionField(
            name="site_url",
            label="Site URL",
            type="url",
            header="http-referer",
            help="Your application's address, for OpenRouter's statistics by application.",
        ),
        OptionField(
            name="site_name",
            label="Site name",
            header="x-openrouter-title",
            help="Your application's name there.",
        ),
        OptionField(
            name="categories",
            label="Categories",
            header="x-openrouter-categories",
            help="Kinds of application there, with commas, e.g. cli-agent.",
        ),
        OptionField(
            name="provider",
            label="Provider preferences",
            type="json",
            body="provider",
            help='Who may serve the model, e.g. {"order": ["…"], "data_collection": "deny"}.',
        ),
        OptionField(
            name="models",
            label="Fallback models",
            type="list",
            body="models",
            help="Models that OpenRouter itself tries, in this order, when the one asked for fails.",
        ),
        OptionField(
            name="plugins",
            label="Plugins",
            type="json",
            body="plugins",
            help='What OpenRouter does around the call, e.g. [{"id": "web"}] for web search.',
        ),
        OptionField(
            name="transforms",
            label="Transforms",
            type="list",
            body="transforms",
            help="Prompt transforms, e.g. middle-out for prompts that are too long.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={"base_url": "OPENROUTER_BASE_URL", "default_model": "OPENROUTER_DEFAULT_MODEL"},
    key_prefixes=("sk-or-",),
    # The model list is open to everybody; this call is not, so it tells whether the key is right.
    health_path="/key",
    takes_developer_role=True,
)  # fmt: skip
