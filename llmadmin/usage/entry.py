"""One call as the live path fills it: plain data, without Django, written to the journal and later to the tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class AttemptEntry:
    """One try at one target. `status` is `ok`, `error` or `cancelled`; `message` keeps the upstream's own words."""

    provider: str
    model: str
    """`provider/name`."""
    status: str = "ok"
    key_id: uuid.UUID | None = None
    upstream_status: int | None = None
    error_class: str = ""
    message: str = ""
    upstream_request_id: str = ""
    started_at: datetime = field(default_factory=_now)
    latency_ms: float = 0.0
    ttft_ms: float | None = None


@dataclass(slots=True)
class UsageEntry:
    """One call, from the moment it is opened to its settlement; the fields are those of `UsageRecord`.

    A fresh entry is open: its status is what the record says should the process die before it is settled.
    `cost_usd` None means that the price is unknown, never 0 for that reason.
    """

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=_now)
    origin: str = "gateway"
    requested: str = ""
    provider: str = ""
    model: str = ""
    """`provider/name`."""
    alias: str = ""
    agent: str = ""
    service: str = ""
    team: str = ""
    user: str = ""
    key_id: uuid.UUID | None = None
    status: str = "error"
    settlement: str = "open"
    error_class: str = ""
    error_message: str = ""
    http_status: int | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None
    rates: Mapping[str, Any] | None = None
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    is_stream: bool = False
    is_cache_hit: bool = False
    endpoint: str = "chat"
    finish_reason: str = ""
    attempt_count: int = 1
    fallback_count: int = 0
    config_version: int | None = None
    side: str | None = None
    """`canary` or `stable` where the alias has a canary."""
    request_id: str = ""
    tags: dict[str, Any] = field(default_factory=dict)
    attempts: list[AttemptEntry] = field(default_factory=list)

    def to_json(self) -> bytes:
        """One line without a line end; `from_json` gives back an equal entry."""
        try:
            return orjson.dumps(self, default=str)
        except TypeError:
            # Half a surrogate pair or a huge number, out of a vendor's message or a caller's tag: kept as near as UTF-8 allows.
            return json.dumps(asdict(self), default=str, ensure_ascii=False).encode("utf-8", "replace")

    def to_opening_json(self) -> bytes:
        """The line of a call that only begins: what is known by then; `from_json` leaves the rest at its beginning.

        Spelled out, since that is three times as quick as going through the fields.
        """
        known = {
            "id": self.id,
            "started_at": self.started_at,
            "origin": self.origin,
            "requested": self.requested,
            "provider": self.provider,
            "model": self.model,
            "alias": self.alias,
            "agent": self.agent,
            "service": self.service,
            "team": self.team,
            "user": self.user,
            "is_stream": self.is_stream,
            "endpoint": self.endpoint,
            "config_version": self.config_version,
            "side": self.side,
            "request_id": self.request_id,
            "tags": self.tags,
        }
        try:
            return orjson.dumps(known)
        except TypeError:
            return self.to_json()

    @classmethod
    def from_json(cls, text: bytes | str | Mapping[str, Any]) -> UsageEntry:
        """Read what `to_json` wrote (or its parsed form). Names that this version does not know are passed over."""
        row = text if isinstance(text, Mapping) else orjson.loads(text)
        entry = (
            cls(**row) if row.keys() <= _ENTRY_FIELDS else cls(**{k: v for k, v in row.items() if k in _ENTRY_FIELDS})
        )
        entry.id = uuid.UUID(row["id"])
        entry.started_at = datetime.fromisoformat(row["started_at"])
        entry.key_id = uuid.UUID(row["key_id"]) if row.get("key_id") else None
        entry.cost_usd = Decimal(row["cost_usd"]) if row.get("cost_usd") is not None else None
        entry.attempts = [_attempt(attempt) for attempt in row.get("attempts") or ()]
        return entry


def _attempt(row: Mapping[str, Any]) -> AttemptEntry:
    attempt = AttemptEntry(**{name: value for name, value in row.items() if name in _ATTEMPT_FIELDS})
    attempt.started_at = datetime.fromisoformat(row["started_at"])
    attempt.key_id = uuid.UUID(row["key_id"]) if row.get("key_id") else None
    return attempt


_ENTRY_FIELDS = frozenset(each.name for each in fields(UsageEntry))
_ATTEMPT_FIELDS = frozenset(each.name for each in fields(AttemptEntry))
