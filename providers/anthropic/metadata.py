"""What Anthropic's API is and takes."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="anthropic",
    label="Anthropic",
    dialect="anthropic",
    docs_url="https://platform.claude.com/docs/en/api/messages",
    keys_url="https://platform.claude.com/settings/keys",
    base_url="https://api.anthropic.com",
    default_model="claude-sonnet-4-6",
    credentials=(CredentialField(env=("ANTHROPIC_API_KEY",), prefix="sk-ant-"),),
    options=(
        OptionField(
            name="default_max_tokens",
            label="Default max_tokens",
            type="integer",
            help="Anthropic wants a limit with every call. Where neither the call nor this names one, the model's own is sent.",
        ),
        OptionField(
            name="beta",
            label="Beta features",
            header="anthropic-beta",
            help="Names of beta features, with commas.",
        ),
    ),
    capabilities=frozenset({"chat", "stream", "tools", "vision", "documents", "json", "reasoning", "models"}),
    env={"base_url": "ANTHROPIC_BASE_URL", "default_model": "ANTHROPIC_DEFAULT_MODEL"},
    key_prefixes=("sk-ant-",),
    auth_header="x-api-key",
    auth_scheme="",
    headers={"anthropic-version": "2023-06-01"},
    chat_path="/v1/messages",
    models_path="/v1/models?limit=1000",
)
