"""Any server that speaks OpenAI's dialect. API reference: https://platform.openai.com/docs/api-reference/chat"""

from functools import partial

from providers.folders import create_folder_llm

create_local_llm = partial(create_folder_llm, "local")
