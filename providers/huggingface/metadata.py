"""What Hugging Face's router is and takes: OpenAI's dialect before many inner providers."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="huggingface",
    label="Hugging Face",
    docs_url="https://huggingface.co/docs/inference-providers/tasks/chat-completion",
    keys_url="https://huggingface.co/settings/tokens",
    base_url="https://router.huggingface.co/v1",
    default_model="openai/gpt-oss-120b",
    credentials=(
        CredentialField(
            env=("HUGGINGFACE_API_KEY", "HF_TOKEN"),
            prefix="hf_",
            help="A fine-grained token with the permission to call Inference Providers.",
        ),
    ),
    options=(
        OptionField(
            name="bill_to",
            label="Bill to",
            header="x-hf-bill-to",
            help="The organization that pays for the calls; left empty it is the key's owner.",
        ),
        OptionField(
            name="stream_usage",
            label="Ask streams for usage",
            type="boolean",
            default=True,
            help="Turn it off for an inner provider that rejects stream_options; calls are then billed by estimate.",
        ),
    ),
    capabilities=frozenset({"chat", "stream", "tools", "vision", "json", "reasoning", "models"}),
    env={"base_url": "HUGGINGFACE_BASE_URL", "default_model": "HUGGINGFACE_DEFAULT_MODEL"},
    key_prefixes=("hf_",),
    takes_any_model=True,
)
