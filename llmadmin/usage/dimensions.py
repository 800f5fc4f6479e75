"""By what usage may be grouped and filtered, and how a moment becomes an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from providers.types import METERS

DIMENSIONS = ("provider", "model", "alias", "agent", "service", "team", "status", "error_class")
"""What a group of calls has in common; the columns of the rollup."""
HOUR_KEY = ("provider", "model", "alias", "agent", "service", "team", "key_id", "status", "error_class")
ATTEMPT_KEY = ("provider", "model", "key_id", "status", "error_class")
HOUR = timedelta(hours=1)

SEEN = ("error", "truncated")
"""Statuses in which the caller saw a failure."""
ANSWERED = ("ok", "recovered")

__all__ = ["ANSWERED", "ATTEMPT_KEY", "DIMENSIONS", "HOUR", "HOUR_KEY", "METERS", "SEEN", "hour_after", "hour_of"]


def hour_of(moment: datetime) -> datetime:
    """The UTC hour in which a moment lies."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_after(moment: datetime) -> datetime:
    """The first full UTC hour at or after a moment."""
    hour = hour_of(moment)
    return hour if hour == moment else hour + HOUR
