"""Ollama. API reference: https://github.com/ollama/ollama/blob/main/docs/api.md"""

from functools import partial

from providers.folders import create_folder_llm

create_ollama_llm = partial(create_folder_llm, "ollama")
