"""Calls of the last minutes over an API key, for somebody who waits until it is quiet."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

from llmadmin.usage.models import UsageRecord

MINUTES = 10
MAX_LOOKED_AT = 5_000


def calls_by_minute(
    key_ids: Collection[uuid.UUID], *, now: dt.datetime, minutes: int = MINUTES
) -> dict[uuid.UUID, list[int]]:
    """For each key its calls in each of the last minutes, the oldest first.

    One query over the newest calls by time, bounded: where more came in than it looks at, the oldest minutes lack some.
    """
    from_at = now - dt.timedelta(minutes=minutes)
    newest = UsageRecord.objects.filter(started_at__gt=from_at).order_by("-started_at", "-id")
    found = {key_id: [0] * minutes for key_id in key_ids}
    for key_id, started_at in newest.values_list("key_id", "started_at")[:MAX_LOOKED_AT]:
        if key_id in found:
            ago = int((now - started_at).total_seconds() // 60)
            found[key_id][max(0, minutes - 1 - ago)] += 1
    return found
