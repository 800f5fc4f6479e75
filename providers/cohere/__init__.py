"""Cohere. API reference: https://docs.cohere.com/reference/chat"""

from functools import partial

from providers.folders import create_folder_llm

create_cohere_llm = partial(create_folder_llm, "cohere")
