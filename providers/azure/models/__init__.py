"""Models with behaviour of their own; all others need no class."""

from providers.azure.models.gpt41_mini import GPT41MiniLLM, GPT41MiniMetadata

MODELS = {GPT41MiniMetadata.NAME: GPT41MiniLLM}
