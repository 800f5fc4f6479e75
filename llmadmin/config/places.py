"""Where in a document a refused field stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llmadmin.catalog.fields import invalid
from llmadmin.core.errors import InvalidError


@contextmanager
def under(path: str) -> Iterator[None]:
    """Put `path` before the fields of an InvalidError: `weight` → `aliases.safe.weight`."""
    try:
        yield
    except InvalidError as refused:
        raise invalid({f"{path}.{name}": sentence for name, sentence in refused.fields.items()}) from None
