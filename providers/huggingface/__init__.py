"""Hugging Face's router. API reference: https://huggingface.co/docs/inference-providers/tasks/chat-completion"""

from functools import partial

from providers.folders import create_folder_llm

create_huggingface_llm = partial(create_folder_llm, "huggingface")
