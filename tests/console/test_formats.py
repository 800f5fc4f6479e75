"""Numbers, money and times as people read them."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmadmin.console import formats

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "unpriced"),
        (Decimal("0E-12"), "$0"),
        (Decimal("0.004212345"), "$0.0042"),
        (Decimal("0.0999"), "$0.1"),
        (Decimal("0.5"), "$0.50"),
        (Decimal("12.345"), "$12.35"),
        (Decimal("99.999"), "$100.00"),
        (Decimal("1234.56"), "$1,235"),
        (Decimal("-3.1"), "-$3.10"),
        (Decimal("0.0000000001"), "<$0.000001"),
    ],
)
def test_money_has_as_many_digits_as_matter(amount, text):
    assert formats.usd(amount) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [(None, "–"), ("0", "$0"), ("3.000000000000", "$3"), ("0.4", "$0.40"), ("0.0375", "$0.0375"), ("10", "$10")],
)
def test_a_price_is_never_rounded(price, text):
    assert formats.rate(price) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (950, "950"),
        (999.96, "1k"),
        (1000, "1k"),
        (12_412, "12.4k"),
        (999_999, "1M"),
        (1_047_576, "1M"),
        (3_100_000, "3.1M"),
        (None, "–"),
    ],
)
def test_counts_are_short(number, text):
    assert formats.count(number) == text


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [(0.4, "0.4 ms"), (840, "840 ms"), (999.7, "1.00 s"), (1240, "1.24 s"), (59_990, "60.0 s"), (125_000, "2 min 5 s")],
)
def test_durations_take_the_unit_that_fits(value_ms, text):
    assert formats.duration(value_ms) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (dt.timedelta(seconds=5), "just now"),
        (dt.timedelta(seconds=50), "1 min ago"),
        (dt.timedelta(minutes=59), "59 min ago"),
        (dt.timedelta(hours=5), "5 h ago"),
        (dt.timedelta(days=1), "1 day ago"),
        (dt.timedelta(days=29), "29 days ago"),
        (dt.timedelta(days=40), "29 Jan 2026"),
        (dt.timedelta(hours=-2), "in 2 h"),
    ],
)
def test_times_are_told_from_now(before, text):
    assert formats.ago(NOW - before, now=NOW) == text


def test_the_hover_gives_the_viewer_s_time_and_utc():
    assert (
        formats.exact(NOW, zone=zoneinfo.ZoneInfo("Asia/Dubai")) == "2026-03-10 16:00:00 +04 · 2026-03-10 12:00:00 UTC"
    )
    assert formats.exact(NOW, zone=dt.UTC) == "2026-03-10 12:00:00 UTC"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0 %"), (0.0001, "<0.1 %"), (0.042, "4.2 %"), (0.9999, ">99.9 %"), (1, "100 %"), (None, "–")],
)
def test_a_share_that_is_not_nothing_never_reads_as_nothing(fraction, text):
    assert formats.percent(fraction) == text


@given(st.decimals(min_value=Decimal("1e-6"), max_value=Decimal("1e12"), allow_nan=False, allow_infinity=False))
def test_money_is_never_off_by_more_than_a_twentieth(amount):
    shown = Decimal(formats.usd(amount).replace("$", "").replace(",", ""))

    assert abs(shown - amount) <= amount / 20
