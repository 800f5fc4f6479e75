"""The config as a file that `apply` reads back to the same hash. API keys are named in it, their text never is."""

from __future__ import annotations

from typing import Any

from llmadmin.config.compiler import compile_config
from providers.sources import parse_yaml


def export_yaml() -> str:
    """What the tables say now, in the format of `llm_config.yaml`."""
    return compile_config().to_yaml()


def export_document() -> dict[str, Any]:
    """The same, parsed, for JSON."""
    return parse_yaml(export_yaml())
