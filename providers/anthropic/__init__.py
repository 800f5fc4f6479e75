"""Anthropic. API reference: https://platform.claude.com/docs/en/api/messages"""

from functools import partial

from providers.folders import create_folder_llm

create_anthropic_llm = partial(create_folder_llm, "anthropic")
