"""What Google's Gemini API is and takes."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="google",
    label="Google Gemini",
    dialect="google",
    docs_url="https://ai.google.dev/api/generate-content",
    keys_url="https://aistudio.google.com/apikey",
    base_url="https://generativelanguage.googleapis.com",
    default_model="gemini-2.5-flash",
    credentials=(CredentialField(env=("GOOGLE_API_KEY",), prefix="AIza"),),
    options=(
        OptionField(
            name="safety_settings",
            label="Safety settings",
            type="json",
            help='What is blocked, e.g. [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}].',
        ),
        OptionField(
            name="include_thoughts",
            label="Include thoughts",
            type="boolean",
            default=False,
            help="Ask for summaries of the model's thinking with every call; calls with reasoning_effort get them anyway.",
        ),
    ),
    capabilities=frozenset(
        {"chat", "stream", "tools", "vision", "documents", "audio", "json", "reasoning", "embeddings", "models"}
    ),
    env={"base_url": "GOOGLE_BASE_URL", "default_model": "GOOGLE_DEFAULT_MODEL"},
    key_prefixes=("AIza",),
    auth_header="x-goog-api-key",
    auth_scheme="",
    chat_path="/v1beta/models/{model}:generateContent",
    embeddings_path="/v1beta/models/{model}:batchEmbedContents",
    models_path="/v1beta/models?pageSize=1000",
)
