"""Which row an entry of a state means: the one with its id, whatever it is called by now, else the one of its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.config.state import Entry, price_name
from llmadmin.vault.models import ApiKey


def pair(entries: Mapping[str, Entry], rows: Iterable[Any]) -> Iterator[tuple[str, Entry, Any | None]]:
    """Each name and entry with its row, or None. No row is given to two entries.

    Those with a row come first: being renamed, it may free the name that another entry needs.
    """
    by_id = {str(row.pk): row for row in rows}
    claimed = {str(entry.get("id")) for entry in entries.values()}
    by_name = {name_of(row): row for key, row in by_id.items() if key not in claimed}
    pairs = [(name, entry, by_id.get(str(entry.get("id"))) or by_name.get(name)) for name, entry in entries.items()]
    yield from sorted(pairs, key=lambda one: one[2] is None)


def name_of(row: Any) -> str:
    """What a state calls the row."""
    match row:
        case Provider():
            return row.slug
        case ApiKey():
            return f"{row.provider.slug}/{row.label}"
        case LanguageModel():
            return row.full_name
        case Price():
            return price_name(row.model.full_name, row.effective_from)
    return str(row.name)
