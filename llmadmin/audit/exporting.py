"""The audit log as a file: CSV for spreadsheets, JSON lines for programs, written as it is read, so that any size will do."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from asgiref.sync import sync_to_async

from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import ORDER, EntryFilter, search
from llmadmin.audit.services import note_now
from llmadmin.core.errors import InvalidError
from llmadmin.core.paging import Page, keyset_page

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
BATCH = 1000
FIELDS = (
    *("id", "at", "by", "kind", "action", "object", "name", "before", "after"),
    *("why", "source", "request_id", "ip_address", "version", "was_refused"),
)
"""As REST names them."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def begin_export(wanted: EntryFilter, *, form: str, by: Actor) -> AsyncIterator[str]:
    """Note that `by` takes the entries along, and give them piece by piece, newest first.

    Raises InvalidError for a format that is none of `FORMATS`.
    """
    if form not in FORMATS:
        raise InvalidError.of(**{"as": f"Choose {' or '.join(FORMATS)}."})
    note_now(by, "export", "audit", "audit log", after={"format": form, "filters": wanted.lookups})
    return _pieces(wanted, csv_lines if form == "csv" else json_lines, header=form == "csv")


async def _pieces(
    wanted: EntryFilter, lines: Callable[[Sequence[AuditEntry]], str], *, header: bool
) -> AsyncIterator[str]:
    """One short query after another: no transaction stays open while a slow reader reads."""
    if header:
        yield _csv([FIELDS])
    cursor = None
    while True:
        page = await sync_to_async(_page)(wanted, cursor)
        if page.rows:
            yield lines(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return


def _page(wanted: EntryFilter, cursor: str | None) -> Page[AuditEntry]:
    return keyset_page(search(wanted).select_related(None), order=ORDER, cursor=cursor, size=BATCH)


def json_lines(rows: Sequence[AuditEntry]) -> str:
    return "".join(json.dumps(record_of(row), ensure_ascii=False) + "\n" for row in rows)


def csv_lines(rows: Sequence[AuditEntry]) -> str:
    return _csv([[_cell(value) for value in record_of(row).values()] for row in rows])


def record_of(entry: AuditEntry) -> dict[str, Any]:
    """The entry in the words and the order of `FIELDS`."""
    at = entry.at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    values = (
        *(entry.pk, at, entry.actor_label, entry.actor_kind, entry.action, entry.object_type, entry.object_name),
        *(entry.before, entry.after, entry.why, entry.source, entry.request_id, entry.ip_address, entry.version),
        entry.was_refused,
    )
    return dict(zip(FIELDS, values, strict=True))


def _cell(value: Any) -> str:
    """A cell's text. What a spreadsheet would take for a formula gets an apostrophe before it, and stays text."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
