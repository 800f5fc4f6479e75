"""What Azure OpenAI is and takes: OpenAI's models, each under the name of a deployment of one's own."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="azure",
    label="Azure OpenAI",
    docs_url="https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    keys_url="https://ai.azure.com",
    base_url=None,
    default_model="gpt-4.1-mini",
    credentials=(
        CredentialField(
            env=("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY"),
            help="One of the two keys of the resource, or an Entra token.",
        ),
    ),
    options=(
        OptionField(
            name="deployment_name",
            label="Deployment",
            help="The deployment that every call goes to; left empty, the model's name is the deployment's.",
        ),
        OptionField(
            name="deployment_models",
            label="Models of deployments",
            type="json",
            help='Which model is behind a deployment whose name does not begin like it, e.g. {"chat-prod": "gpt-5-mini"}: '
            "reasoning models take other parameters.",
        ),
        OptionField(
            name="api_version",
            label="API version",
            default="2024-10-21",
            help="The dated version of the API; where the base URL ends in /openai/v1 only preview is sent.",
        ),
        OptionField(
            name="auth",
            label="Key type",
            type="choice",
            choices=("key", "entra"),
            help="What is sent as key: an API key of the resource, or a token of Microsoft Entra ID.",
        ),
        OptionField(
            name="stream_usage",
            label="Ask streams for usage",
            type="boolean",
            default=True,
            help="Turn it off for a deployment that rejects stream_options; calls are then billed by estimate.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={
        "base_url": ("AZURE_OPENAI_ENDPOINT", "AZURE_BASE_URL"),
        "deployment_name": "AZURE_OPENAI_DEPLOYMENT",
        "default_model": ("AZURE_DEFAULT_MODEL", "AZURE_OPENAI_DEPLOYMENT"),
        "api_version": "AZURE_OPENAI_API_VERSION",
    },
    auth_header="api-key",
    auth_scheme="",
    takes_any_model=True,
    takes_extra_content=False,
    takes_developer_role=True,
)  # fmt: skip
