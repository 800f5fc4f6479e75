"""Ranges out of URLs, in the viewer's zone."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from llmadmin.console.periods import Period, period_of, span_query

NOW = dt.datetime(2026, 3, 10, 12, 40, tzinfo=dt.UTC)


def of(**query: str) -> Period:
    return period_of(query, now=NOW)


def test_a_preset_is_whole_days_with_today_among_them():
    week = of(range="7d")

    assert (week.from_at, week.to_at) == (
        dt.datetime(2026, 3, 4, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 10, 13, tzinfo=dt.UTC),
    )
    assert (week.interval, week.words, week.query) == ("day", "the last 7 days", {"range": "7d"})


def test_24_hours_are_24_hours():
    day = of(range="24h")

    assert day.to_at - day.from_at == dt.timedelta(hours=24)
    assert day.interval == "hour"


def test_days_are_those_of_the_viewer():
    with timezone.override(ZoneInfo("America/New_York")):
        found = of(range="custom", **{"from": "2026-03-01", "to": "2026-03-02"})

        assert found.from_at == dt.datetime(2026, 3, 1, 5, tzinfo=dt.UTC)
        assert found.to_at == dt.datetime(2026, 3, 3, 5, tzinfo=dt.UTC)
        assert found.query == {"range": "custom", "from": "2026-03-01", "to": "2026-03-02"}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"])
def test_neighbouring_days_share_no_hour_and_leave_none_out(zone):
    with timezone.override(ZoneInfo(zone)):
        days = [of(range="custom", **{"from": f"2026-02-{day:02}", "to": f"2026-02-{day:02}"}) for day in range(1, 28)]

    assert all(before.to_at == after.from_at for before, after in itertools.pairwise(days))
    assert all(day.from_at.minute == 0 for day in days)


def test_a_span_of_minutes_survives_its_own_link():
    begin = dt.datetime(2026, 3, 10, 11, 45, tzinfo=dt.UTC)

    found = period_of(span_query(begin, begin + dt.timedelta(minutes=15)), now=NOW)

    assert (found.from_at, found.to_at, found.is_exact) == (begin, begin + dt.timedelta(minutes=15), True)
    assert found.query == span_query(begin, begin + dt.timedelta(minutes=15))


def test_turned_around_days_are_turned_back():
    assert of(range="custom", **{"from": "2026-03-02", "to": "2026-03-01"}) == of(
        range="custom", **{"from": "2026-03-01", "to": "2026-03-02"}
    )


@pytest.mark.parametrize(
    "query",
    [
        {"range": "soon"},
        {"from": "yesterday"},
        {"from": "2026-03-01T10:00", "to": "never"},
        {"from": "2026-03-01T10:00", "to": "2026-03-01T10:00"},
        {"from": "2020-01-01", "to": "2026-01-01"},
        {"from": "0001-01-01", "to": "0001-01-02"},
        {"from": "9999-12-31", "to": "9999-12-31"},
        {"from": "9999-12-31T23:59", "to": "9999-12-31T23:59:30"},
        {"from": "0001-01-01T00:00+14:00", "to": "0001-01-01T10:00+14:00"},
    ],
)
def test_what_makes_no_sense_is_the_last_30_days_and_says_so(query):
    found = of(**query)

    assert found.name == "30d"
    assert "last 30 days" in found.error
