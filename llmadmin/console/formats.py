"""Numbers, money and times as people read them. Pure functions; the template tags and the charts share them."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

UNKNOWN = "–"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def usd(value: Decimal | float | str | None) -> str:
    """Dollars with as many digits as matter: `$0.0042`, `$12.40`, `$1,234`. None is `unpriced`, since it is not zero."""
    if value is None or value == "":
        return "unpriced"
    amount = Decimal(str(value))
    size = abs(amount)
    sign = "-" if amount < 0 else ""
    if size == 0:
        return "$0"
    if size >= 100:
        return f"{sign}${_rounded(size, 0):,}"
    if size >= Decimal("0.1"):
        return f"{sign}${_rounded(size, 2)}"
    if size < Decimal("0.000001"):
        return f"{sign}<$0.000001"
    return f"{sign}${_trimmed(_rounded(size, 1 - size.adjusted()))}"


def usd_exact(value: Decimal | float | str | None) -> str:
    """All digits there are, for the hover."""
    return "No price is known for it." if value is None or value == "" else f"${_trimmed(Decimal(str(value)))}"


def rate(value: Decimal | float | str | None) -> str:
    """A price per million tokens, never rounded: `$0.40`, `$3`, `$0.0375`."""
    if value is None or value == "":
        return UNKNOWN
    text = _trimmed(Decimal(str(value)))
    whole, _, fraction = text.partition(".")
    return f"${whole}.{fraction.ljust(2, '0')}" if fraction else f"${whole}"


def count(value: float | None) -> str:
    """`950`, `12.4k`, `3.1M`."""
    if value is None:
        return UNKNOWN
    number = float(value)
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size * 0.99995:
            short = f"{number / size:.1f}" if abs(number) < size * 99.95 else f"{number / size:.0f}"
            return f"{short.removesuffix('.0')}{unit}"
    return f"{number:,.0f}"


def count_exact(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def duration(value_ms: float | None) -> str:
    """`840 ms`, `1.24 s`, `2 min 5 s`."""
    if value_ms is None:
        return UNKNOWN
    if value_ms < 1:
        return f"{value_ms:.2g} ms"
    if value_ms < 999.5:
        return f"{value_ms:.0f} ms"
    seconds = value_ms / 1000
    if seconds < _MINUTE_S:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def seconds(value_s: float | None) -> str:
    """A setting in seconds in the largest unit that fits: `30 s`, `5 min`, `1 h`, `7 days`."""
    if value_s is None:
        return UNKNOWN
    for unit, size in (("days", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if value_s >= size and value_s % size == 0:
            number = int(value_s // size)
            return f"{number} {'day' if unit == 'days' and number == 1 else unit}"
    return f"{value_s:g} s"


def percent(fraction: float | None) -> str:
    """A share from 0 to 1 as `4.2 %`; what is not zero never reads as zero."""
    if fraction is None:
        return UNKNOWN
    value = fraction * 100
    if 0 < value < 0.1:
        return "<0.1 %"
    if 99.9 < value < 100:
        return ">99.9 %"
    return f"{value:.0f} %" if value in (0, 100) else f"{value:.1f} %"


def change(now: Decimal | float | None, before: Decimal | float | None) -> str:
    """How `now` stands to `before`: `+12 %`, `−4 %`; "" where there is nothing to compare with."""
    if now is None or not before:
        return ""
    value = (float(now) / float(before) - 1) * 100
    if abs(value) < 0.5:
        return "±0 %"
    if value > 999:
        return f"×{float(now) / float(before):.0f}"
    return f"{'+' if value > 0 else '−'}{abs(value):.0f} %"


def ago(moment: dt.datetime | None, *, now: dt.datetime) -> str:
    """`just now`, `3 min ago`, `in 2 days`; after a month the day itself."""
    if moment is None:
        return "never"
    passed = (now - moment).total_seconds()
    size = abs(passed)
    if size < 45:
        return "just now"
    if size >= 30 * _DAY_S:
        return day(moment)
    for unit, length in (("day", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if size >= length or unit == "min":
            number = max(1, int(size // length))
            text = f"{number} {unit}{'s' if unit == 'day' and number != 1 else ''}"
            return f"{text} ago" if passed > 0 else f"in {text}"
    return ""


def day(moment: dt.date) -> str:
    """`31 Jan 2026`."""
    return f"{moment:%-d %b %Y}"


def day_and_time(moment: dt.datetime) -> str:
    """`31 Jan 2026, 14:05`."""
    return f"{day(moment)}, {moment:%H:%M}"


def exact(moment: dt.datetime, *, zone: dt.tzinfo) -> str:
    """For the hover: the viewer's time and UTC."""
    here, utc = moment.astimezone(zone), moment.astimezone(dt.UTC)
    text = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return text if here.utcoffset() == dt.timedelta(0) else f"{here:%Y-%m-%d %H:%M:%S %Z} · {text}"


def plain(value: Any) -> str:
    """A value of a JSON document as a line of text: "on", "off", "none", lists with commas."""
    match value:
        case None | "":
            return "none"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(plain(one) for one in value) if value else "none"
        case dict():
            return ", ".join(f"{name}: {plain(one)}" for name, one in value.items()) if value else "none"
    return str(value)


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _trimmed(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
