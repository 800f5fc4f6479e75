"""What Cohere's API is and takes."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="cohere",
    label="Cohere",
    dialect="cohere",
    docs_url="https://docs.cohere.com/reference/chat",
    keys_url="https://dashboard.cohere.com/api-keys",
    base_url="https://api.cohere.com",
    default_model="command-a-03-2025",
    credentials=(CredentialField(env=("COHERE_API_KEY",)),),
    options=(
        OptionField(
            name="safety_mode",
            label="Safety mode",
            type="choice",
            choices=("CONTEXTUAL", "STRICT", "OFF"),
            help="How much Cohere's safety instruction holds back.",
        ),
        OptionField(
            name="input_type",
            label="Input type of embeddings",
            type="choice",
            default="search_document",
            choices=("search_document", "search_query", "classification", "clustering"),
            help="What the vectors are for; a call says otherwise with input_type.",
        ),
        OptionField(
            name="meters",
            label="Tokens that are counted",
            type="choice",
            default="tokens",
            choices=("tokens", "billed_units"),
            help="What the model read and wrote, or the part of it that Cohere bills: then costs are what Cohere asks.",
        ),
        OptionField(
            name="client_name",
            label="Client name",
            header="x-client-name",
            help="Your project's name, as Cohere's logs show it.",
        ),
    ),
    capabilities=frozenset({"chat", "stream", "tools", "vision", "json", "reasoning", "embeddings", "models"}),
    env={"base_url": "COHERE_BASE_URL", "default_model": "COHERE_DEFAULT_MODEL"},
    chat_path="/v2/chat",
    embeddings_path="/v2/embed",
    models_path="/v1/models?page_size=1000",
)
