"""Portkey. API reference: https://portkey.ai/docs/api-reference/inference-api/introduction"""

from functools import partial

from providers.folders import create_folder_llm

create_portkey_llm = partial(create_folder_llm, "portkey")
