"""What a vLLM server is and takes: OpenAI's dialect, more sampling parameters, and a health path outside `/v1`."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="vllm",
    label="vLLM",
    docs_url="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    base_url="http://127.0.0.1:8000/v1",
    credentials=(
        CredentialField(
            env=("VLLM_API_KEY",),
            is_required=False,
            help="Only for a server that was started with --api-key.",
        ),
    ),
    options=(
        OptionField(
            name="stream_usage",
            label="Ask streams for usage",
            type="boolean",
            default=True,
            help="Turn it off for a server too old for stream_options; calls are then billed by estimate.",
        ),
    ),
    capabilities=frozenset(
        {
            "chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning",
            "completions", "embeddings", "models",
        }
    ),
    env={"base_url": "VLLM_BASE_URL", "default_model": "VLLM_DEFAULT_MODEL"},
    is_self_hosted=True,
    takes_any_model=True,
    health_path="/health",
)  # fmt: skip
