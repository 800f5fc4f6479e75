"""What OpenAI's API is and takes."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="openai",
    label="OpenAI",
    docs_url="https://platform.openai.com/docs/api-reference",
    keys_url="https://platform.openai.com/api-keys",
    base_url="https://api.openai.com/v1",
    default_model="gpt-4.1-mini",
    credentials=(CredentialField(env=("OPENAI_API_KEY",), prefix="sk-", help="A project key is best."),),
    options=(
        OptionField(
            name="organization",
            label="Organization",
            header="openai-organization",
            help="Only for keys that belong to several organizations.",
        ),
        OptionField(
            name="project",
            label="Project",
            header="openai-project",
            help="Only for keys that belong to several projects.",
        ),
        OptionField(
            name="service_tier",
            label="Service tier",
            type="choice",
            choices=("auto", "default", "flex", "priority"),
            body="service_tier",
            help="Prices in the catalogue are those of the default tier.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={"base_url": "OPENAI_BASE_URL", "default_model": "OPENAI_DEFAULT_MODEL"},
    key_prefixes=("sk-proj-", "sk-svcacct-"),
    takes_extra_content=False,
    takes_developer_role=True,
)  # fmt: skip
