"""Taking in what services report: all of it, or nothing and a list of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmadmin.core.errors import InvalidError
from llmadmin.usage.services.pricing import price_entries
from llmadmin.usage.services.reports import read_report
from llmadmin.usage.services.storage import Stored, store

MAX_RECORDS = 1000
MAX_MISTAKES = 100


def ingest(payloads: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, service: str, team: str = "") -> Stored:
    """Store 1 to 1,000 reported records as calls of `service`, whatever they say of the service themselves.

    A cost that is left out is computed with the price in force at `started_at`; one that is given stays, null included.
    Raises InvalidError with `fields` such as `3.model` (`model` when one record came alone), and then nothing is written.
    """
    is_alone = isinstance(payloads, Mapping)
    if isinstance(payloads, Mapping):
        payloads = [payloads]
    if not isinstance(payloads, list | tuple) or not 1 <= len(payloads) <= MAX_RECORDS:
        raise InvalidError(f"Send one usage record or a list of 1 to {MAX_RECORDS}.")
    mistakes: dict[str, str] = {}
    entries = []
    unpriced = []
    for position, payload in enumerate(payloads):
        entry = read_report(payload, path="" if is_alone else f"{position}.", mistakes=mistakes)
        if len(mistakes) >= MAX_MISTAKES:
            break
        if entry is None:
            continue
        entry.service, entry.team = service, team
        entries.append(entry)
        if "cost_usd" not in payload:
            unpriced.append(entry)
    if mistakes:
        raise InvalidError(
            "Some usage records can't be taken, so none was stored; `fields` names what to change.", fields=mistakes
        )
    price_entries(unpriced)
    return store(entries)
