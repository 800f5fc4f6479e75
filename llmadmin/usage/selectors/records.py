"""Raw records: the requests explorer, its detail, and `usage/`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet

from llmadmin.core.errors import MissingError
from llmadmin.core.paging import Page, keyset_page
from llmadmin.usage.dimensions import METERS
from llmadmin.usage.models import Attempt, UsageRecord
from llmadmin.usage.money import money_text

ORDER = ("-started_at", "-id")
MAX_PAGE = 500
STATEMENT_LIMIT_MS = 5000
_EXACT = (
    "id", "origin", "provider", "model", "alias", "agent", "service", "team", "user", "status", "settlement", "error_class",
    "http_status", "is_stream", "request_id", "config_version", "key_id", "side",
)  # fmt: skip
_BOUNDS = {
    "from_at": "started_at__gte",
    "to_at": "started_at__lt",
    "min_cost_usd": "cost_usd__gte",
    "max_cost_usd": "cost_usd__lt",
    "min_latency_ms": "latency_ms__gte",
    "max_latency_ms": "latency_ms__lt",
}
RECORD_FILTERS = (*_EXACT, *_BOUNDS, "unpriced", "failed")


def records(**filters: Any) -> QuerySet[UsageRecord]:
    """Records by the names of `RECORD_FILTERS`; None and empty text filter nothing, a list allows any of its values.

    `unpriced=True` are those of unknown cost, `failed=True` those with an error class.
    """
    found = UsageRecord.objects.order_by(*ORDER)
    for name, value in filters.items():
        if value is None or value == "" or value == []:
            continue
        if name in _BOUNDS:
            found = found.filter(**{_BOUNDS[name]: value})
        elif name in _EXACT:
            found = found.filter(**{f"{name}__in" if isinstance(value, list | tuple) else name: value})
        elif name == "unpriced":
            found = found.filter(cost_usd__isnull=bool(value))
        elif name == "failed":
            found = found.exclude(error_class="") if value else found.filter(error_class="")
        else:
            raise ValueError(f"Records can't be filtered by {name}.")
    return found


def find_records(
    *, cursor: str | None = None, size: int = 50, with_attempts: bool = False, filters: Mapping[str, Any] | None = None
) -> Page[UsageRecord]:
    """One page, newest first; two queries with attempts, one without, and never longer than the statement limit."""
    found = records(**(filters or {}))
    if with_attempts:
        found = found.prefetch_related(_attempts())
    with statement_limit(STATEMENT_LIMIT_MS):
        return keyset_page(found, order=ORDER, cursor=cursor, size=min(size, MAX_PAGE))


def get_record(record_id: uuid.UUID | str) -> UsageRecord:
    """One record with its attempts in order. Raises MissingError."""
    try:
        return UsageRecord.objects.prefetch_related(_attempts()).get(pk=uuid.UUID(str(record_id)))
    except (UsageRecord.DoesNotExist, ValueError):
        raise MissingError("There is no such usage record; it may have been pruned.") from None


def record_json(record: UsageRecord) -> dict[str, Any]:
    """A record as section 6 of the contract writes it; prefetch `attempts` when there are many."""
    return {
        "id": str(record.id),
        "started_at": record.started_at.isoformat().replace("+00:00", "Z"),
        "model": record.model,
        "alias": record.alias,
        "agent": record.agent,
        "service": record.service,
        "status": record.status,
        "settlement": record.settlement,
        "user": record.user,
        "error_class": record.error_class,
        "http_status": record.http_status,
        **{meter: getattr(record, meter) for meter in METERS},
        "cost_usd": money_text(record.cost_usd),
        "latency_ms": record.latency_ms,
        "ttft_ms": record.ttft_ms,
        "is_stream": record.is_stream,
        "tags": record.tags,
        **({"side": record.side} if record.side else {}),
        "attempts": [_attempt_json(attempt) for attempt in record.attempts.all()],
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "provider": attempt.provider,
        "model": attempt.model,
        "key_id": str(attempt.key_id) if attempt.key_id else None,
        "status": attempt.status,
        "upstream_status": attempt.upstream_status,
        "error_class": attempt.error_class,
        "started_at": attempt.started_at.isoformat().replace("+00:00", "Z"),
        "latency_ms": attempt.latency_ms,
    }


def _attempts() -> Prefetch[str]:
    return Prefetch("attempts", queryset=Attempt.objects.order_by("position"))


@contextmanager
def statement_limit(limit_ms: int) -> Iterator[None]:
    """End a query that takes longer, on PostgreSQL; SQLite knows no such limit and serves one machine."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit_ms)])
        yield
