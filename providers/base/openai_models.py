"""A `/models` body of OpenAI's dialect, which most vendors enrich in their own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.base.reading import as_count, as_list, as_mapping, as_text
from providers.types import ModelInfo

_WINDOW_NAMES = ("context_length", "context_window", "max_context_length", "max_model_len")
_OUTPUT_NAMES = ("max_completion_tokens", "max_output_tokens")


def holds_models(payload: Mapping[str, Any]) -> bool:
    """Whether a body is a model list at all; a server without models may say null instead of an empty list."""
    return any(name in payload and isinstance(payload[name], list | None) for name in ("data", "models"))


def model_list(payload: Mapping[str, Any], *, provider: str) -> list[ModelInfo]:
    """The models in a body. Entries may be bare names, or say more of each model than its id."""
    rows = as_list(payload.get("data")) or as_list(payload.get("models"))
    found = ({"id": row} if isinstance(row, str) else as_mapping(row) for row in rows)
    return [_model(row, provider=provider) for row in found if _name_of(row)]


def _name_of(row: Mapping[str, Any]) -> str:
    return as_text(row.get("id")) or as_text(row.get("name"))


def _model(row: Mapping[str, Any], *, provider: str) -> ModelInfo:
    inner = [as_mapping(server) for server in as_list(row.get("providers"))]  # Hugging Face: who serves the model
    limits = as_mapping(row.get("top_provider"))  # OpenRouter
    return ModelInfo(
        name=_name_of(row),
        provider=provider,
        context_window=_largest([row, *inner], _WINDOW_NAMES),
        max_output_tokens=_largest([limits], _OUTPUT_NAMES) or _largest([row], _OUTPUT_NAMES),
        raw=row,
    )


def _largest(rows: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    """The first of `names` that a row gives, the largest over all rows; None where no row gives any."""
    counts = [next((count for name in names if (count := as_count(row.get(name)))), 0) for row in rows]
    return max(counts, default=0) or None
