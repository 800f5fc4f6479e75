"""OpenRouter. API reference: https://openrouter.ai/docs/api-reference/overview"""

from functools import partial

from providers.folders import create_folder_llm

create_openrouter_llm = partial(create_folder_llm, "openrouter")
