"""vLLM. API reference: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"""

from functools import partial

from providers.folders import create_folder_llm

create_vllm_llm = partial(create_folder_llm, "vllm")
