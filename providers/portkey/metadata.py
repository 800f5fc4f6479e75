"""What Portkey is and takes: OpenAI's dialect before many vendors, told by headers which one and how."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="portkey",
    label="Portkey",
    docs_url="https://portkey.ai/docs/api-reference/inference-api/introduction",
    keys_url="https://app.portkey.ai/api-keys",
    base_url="https://api.portkey.ai/v1",
    default_model="gpt-4.1-mini",
    credentials=(CredentialField(env=("PORTKEY_API_KEY",)),),
    options=(
        OptionField(
            name="provider",
            label="Provider",
            header="x-portkey-provider",
            help="Who serves the calls: @slug of an integration saved at Portkey, or a vendor's name.",
        ),
        OptionField(
            name="virtual_key",
            label="Virtual key",
            header="x-portkey-virtual-key",
            help="The older way to name a vendor's key that is saved at Portkey.",
        ),
        OptionField(
            name="config",
            label="Config",
            header="x-portkey-config",
            help="The id of a config saved at Portkey (pc-…), or the config itself as JSON, without a custom host.",
        ),
        OptionField(
            name="metadata",
            label="Metadata",
            type="json",
            header="x-portkey-metadata",
            help='Shown with each call in Portkey\'s logs, e.g. {"_user": "ada", "team": "lab"}.',
        ),
        OptionField(
            name="trace_id",
            label="Trace ID",
            header="x-portkey-trace-id",
            help="Ties calls together in Portkey's logs; mostly given with a call, as the header x-portkey-trace-id.",
        ),
        OptionField(
            name="custom_host",
            label="Custom host",
            type="url",
            header="x-portkey-custom-host",
            help="Where Portkey passes the calls on to instead of the vendor's own address.",
        ),
        OptionField(
            name="strict_open_ai_compliance",
            label="Strictly OpenAI's form",
            type="choice",
            choices=("true", "false"),
            header="x-portkey-strict-open-ai-compliance",
            help="Turn it off to see what OpenAI's form leaves out, such as the thinking of Claude models.",
        ),
        OptionField(
            name="cache_namespace",
            label="Cache namespace",
            header="x-portkey-cache-namespace",
            help="Keeps the cached answers of this provider apart from others.",
        ),
        OptionField(
            name="cache_force_refresh",
            label="Refresh the cache",
            type="choice",
            choices=("true", "false"),
            header="x-portkey-cache-force-refresh",
            help="Ask the vendor though Portkey's cache has an answer, and store the new one.",
        ),
        OptionField(
            name="request_timeout",
            label="Portkey's timeout in ms",
            type="integer",
            header="x-portkey-request-timeout",
            help="After how many milliseconds Portkey gives the vendor up and answers 408.",
        ),
        OptionField(
            name="debug",
            label="Log bodies",
            type="choice",
            choices=("true", "false"),
            header="x-portkey-debug",
            help="Turn it off so that Portkey's logs hold no prompts and answers.",
        ),
        OptionField(
            name="sensitive_headers",
            label="Sensitive headers",
            header="x-portkey-sensitive-headers",
            help="Names of headers, with commas, that Portkey's logs must not show.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={
        "base_url": "PORTKEY_BASE_URL",
        "default_model": "PORTKEY_DEFAULT_MODEL",
        "provider": "PORTKEY_PROVIDER",
        "virtual_key": "PORTKEY_VIRTUAL_KEY",
        "config": "PORTKEY_CONFIG",
        "custom_host": "PORTKEY_CUSTOM_HOST",
    },
    auth_header="x-portkey-api-key",
    auth_scheme="",
    takes_any_model=True,
    takes_developer_role=True,
)  # fmt: skip
