"""What an Ollama server is and takes."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="ollama",
    label="Ollama",
    dialect="ollama",
    docs_url="https://docs.ollama.com/api",
    base_url="http://127.0.0.1:11434",
    credentials=(
        CredentialField(
            env=("OLLAMA_API_KEY",),
            is_required=False,
            help="Ollama asks for none; a proxy before it or ollama.com may.",
        ),
    ),
    options=(
        OptionField(
            name="num_ctx",
            label="Context window",
            type="integer",
            help="Tokens of context the model is loaded with. Ollama's own default is small and cuts long prompts silently.",
        ),
        OptionField(
            name="keep_alive",
            label="Keep the model loaded for",
            help="How long the model stays in memory after a call, e.g. 5m, seconds, or -1 for ever.",
        ),
    ),
    capabilities=frozenset(
        {"chat", "stream", "tools", "vision", "json", "reasoning", "completions", "embeddings", "models"}
    ),
    env={"base_url": "OLLAMA_BASE_URL", "default_model": "OLLAMA_DEFAULT_MODEL"},
    is_self_hosted=True,
    chat_path="/api/chat",
    completions_path="/api/generate",
    embeddings_path="/api/embed",
    models_path="/api/tags",
)
