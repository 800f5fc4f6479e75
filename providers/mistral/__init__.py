"""Mistral. API reference: https://docs.mistral.ai/api/"""

from functools import partial

from providers.folders import create_folder_llm

create_mistral_llm = partial(create_folder_llm, "mistral")
