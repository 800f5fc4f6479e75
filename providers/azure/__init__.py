"""Azure OpenAI. API reference: https://learn.microsoft.com/azure/ai-foundry/openai/reference"""

from functools import partial

from providers.folders import create_folder_llm

create_azure_llm = partial(create_folder_llm, "azure")
