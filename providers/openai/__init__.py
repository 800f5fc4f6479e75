"""OpenAI. API reference: https://platform.openai.com/docs/api-reference"""

from functools import partial

from providers.folders import create_folder_llm

create_openai_llm = partial(create_folder_llm, "openai")
