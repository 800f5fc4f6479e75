"""The stretch of time that a page is about: a preset or two dates, always in the URL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

HOUR = dt.timedelta(hours=1)
LONGEST_DAYS = 366
EARLIEST_YEAR, LATEST_YEAR = 1970, 9000
DEFAULT = "30d"
CUSTOM = "custom"
PRESETS: tuple[tuple[str, str, int], ...] = (
    ("24h", "24 hours", 1),
    ("7d", "7 days", 7),
    ("30d", "30 days", 30),
    ("90d", "90 days", 90),
)
_TOO_LONG = "A range may be a year at most; this is the last 30 days."
_UNREADABLE = "Write both dates as year-month-day; this is the last 30 days."


@dataclass(frozen=True, slots=True)
class Period:
    """From inclusive, to exclusive, both aware. `error` says in a sentence why the URL's own range was not taken."""

    name: str
    from_at: dt.datetime
    to_at: dt.datetime
    error: str = ""
    is_exact: bool = False
    """Cut at minutes, as a single column or cell of a chart is; otherwise at days of the viewer's zone."""

    @property
    def interval(self) -> str:
        """How wide one column of a chart is: `hour` up to two days, `day` above."""
        return "hour" if self.to_at - self.from_at <= dt.timedelta(hours=49) else "day"

    @property
    def step(self) -> dt.timedelta:
        """How far back the period before lies: as many whole days as this one has, so that half a day meets half a day."""
        if self.is_exact:
            return self.to_at - self.from_at
        days = next((days for name, _, days in PRESETS if name == self.name), (self.last_day - self.first_day).days + 1)
        return dt.timedelta(days=days)

    @property
    def first_day(self) -> dt.date:
        return timezone.localtime(self.from_at).date()

    @property
    def last_day(self) -> dt.date:
        return timezone.localtime(self.to_at - dt.timedelta(seconds=1)).date()

    @property
    def words(self) -> str:
        """`the last 30 days`, one day, or from when to when."""
        label = next((label for name, label, _ in PRESETS if name == self.name), "")
        if label:
            return f"the last {label}"
        if self.is_exact:
            return f"{timezone.localtime(self.from_at):%-d %b %Y %H:%M} to {timezone.localtime(self.to_at):%H:%M}"
        first, last = f"{self.first_day:%-d %b %Y}", f"{self.last_day:%-d %b %Y}"
        return first if first == last else f"{first} to {last}"

    @property
    def query(self) -> dict[str, str]:
        """What names this period in a URL."""
        if self.name != CUSTOM:
            return {"range": self.name}
        if self.is_exact:
            return span_query(self.from_at, self.to_at)
        return {"range": CUSTOM, "from": self.first_day.isoformat(), "to": self.last_day.isoformat()}


def span_query(from_at: dt.datetime, to_at: dt.datetime) -> dict[str, str]:
    """The URL's words for a span that is cut at minutes, in UTC so that it means the same to everybody."""
    return {
        "range": CUSTOM,
        "from": f"{from_at.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}",
        "to": f"{to_at.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}",
    }


def day_query(day: dt.date) -> dict[str, str]:
    return {"range": CUSTOM, "from": day.isoformat(), "to": day.isoformat()}


def period_of(query: Mapping[str, str], *, now: dt.datetime | None = None, default: str = DEFAULT) -> Period:
    """The period that a URL asks for: `range` a preset, or `custom` with the days `from` and `to`, both included.

    What can't be read falls back to 30 days, with a sentence in `error`.
    """
    now = now or timezone.now()
    name = query.get("range", CUSTOM if query.get("from") else default)
    if name == CUSTOM:
        return _custom(query.get("from", ""), query.get("to", ""), now=now)
    if name not in {preset for preset, _, _ in PRESETS}:
        return _preset(DEFAULT, now=now, error=f"There is no range “{name[:40]}”; this is the last 30 days.")
    return _preset(name, now=now)


def day_start(day: dt.date) -> dt.datetime:
    """Midnight in the viewer's zone, on a whole UTC hour: zones with half hours begin their day at the next one."""
    midnight = dt.datetime.combine(day, dt.time.min, tzinfo=timezone.get_current_timezone()).astimezone(dt.UTC)
    whole = midnight.replace(minute=0, second=0, microsecond=0)
    return whole if whole == midnight else whole + HOUR


def _next_hour(now: dt.datetime) -> dt.datetime:
    return now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0) + HOUR


def _preset(name: str, *, now: dt.datetime, error: str = "") -> Period:
    days = next(days for preset, _, days in PRESETS if preset == name)
    to_at = _next_hour(now)
    if days == 1:
        return Period(name, to_at - dt.timedelta(days=1), to_at, error)
    return Period(name, day_start(timezone.localtime(now).date() - dt.timedelta(days=days - 1)), to_at, error)


def _custom(first: str, last: str, *, now: dt.datetime) -> Period:
    try:
        if "T" in first:
            return _exact(dt.datetime.fromisoformat(first), dt.datetime.fromisoformat(last), now=now)
        first_day, last_day = (
            dt.date.fromisoformat(first),
            dt.date.fromisoformat(last) if last else timezone.localtime(now).date(),
        )
    except (ValueError, OverflowError):
        return _preset(DEFAULT, now=now, error=_UNREADABLE)
    first_day, last_day = min(first_day, last_day), max(first_day, last_day)
    if (last_day - first_day).days >= LONGEST_DAYS or not _is_sane(first_day, last_day):
        return _preset(DEFAULT, now=now, error=_TOO_LONG)
    from_at = day_start(first_day)
    to_at = min(day_start(last_day + dt.timedelta(days=1)), max(_next_hour(now), from_at + HOUR))
    return Period(CUSTOM, from_at, to_at)


def _is_sane(first: dt.date, last: dt.date) -> bool:
    """Years that every zone can reach without leaving the calendar."""
    return first.year >= EARLIEST_YEAR and last.year <= LATEST_YEAR


def _exact(from_at: dt.datetime, to_at: dt.datetime, *, now: dt.datetime) -> Period:
    zone = timezone.get_current_timezone()
    from_at, to_at = (moment if moment.tzinfo else moment.replace(tzinfo=zone) for moment in (from_at, to_at))
    if not _is_sane(from_at, to_at) or not dt.timedelta(0) < to_at - from_at < dt.timedelta(days=LONGEST_DAYS):
        return _preset(DEFAULT, now=now, error=_TOO_LONG)
    return Period(CUSTOM, from_at, to_at, is_exact=True)
