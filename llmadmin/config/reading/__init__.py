"""Reading what companies have: `llm_config.yaml`, a `.env`, LiteLLM's `config.yaml`. Nothing here touches a table."""
