"""Percentiles over hours, merged from the histograms that the rollup keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from llmadmin.usage.histogram import Histogram, merge_text


def merged(
    rows: QuerySet[Any], *, column: str = "latency_histogram", keys: Sequence[str] = ()
) -> dict[tuple[Any, ...], Histogram]:
    """One histogram for each combination of `keys`; one query."""
    found: dict[tuple[Any, ...], Histogram] = {}
    texts = rows.annotate(histogram_text=Cast(column, TextField())).values_list(*keys, "histogram_text")
    for *key, text in texts.iterator(chunk_size=5000):
        merge_text(found.setdefault(tuple(key), {}), text)
    return found
