"""Ollama. API reference: https://docs.ollama.com/api"""

from functools import partial

from providers.folders import create_folder_llm

create_ollama_llm = partial(create_folder_llm, "ollama")
