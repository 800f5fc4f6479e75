from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.usage.models import UsageHour
from llmadmin.usage.seeding import SeedTarget, seed
from llmadmin.usage.selectors import (
    cost_table,
    error_table,
    error_timeline,
    find_records,
    get_record,
    overview_figures,
    provider_health,
    records,
    summary,
    timeline,
    unpriced_models,
)
from llmadmin.usage.services import roll_up_stale, store
from providers.entries import PriceConfig
from tests.usage.calls import NOON, attempt, call, failed

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = NOON + timedelta(minutes=40)


def keep(*entries) -> None:
    store(entries)
    roll_up_stale()


def grow(days: int) -> None:
    price = PriceConfig(input_usd_per_mtok=Decimal(3), output_usd_per_mtok=Decimal(15))
    seed(
        [SeedTarget("east", "east/large", price), SeedTarget("west", "west/fast", price), SeedTarget("west", "west/new")],
        aliases={"smart": ["east/large", "west/fast"], "fast": ["west/fast"], "preview": ["west/new"]},
        agents={"coder": "smart"},
        services={"chat": ["smart", "fast"], "lab": []},
        days=days,
        per_day=150,
        now=NOW,
    )  # fmt: skip


# usage/summary/


@pytest.mark.django_db
def test_a_summary_has_groups_and_their_total():
    keep(
        call(latency_ms=100.0),
        call(latency_ms=200.0, status="recovered"),
        call(status="error", error_class="service", cost_usd=None, output_tokens=0),
        call(started_at=NOON - DAY, model="sim/beta", status="truncated"),
    )

    found = summary(from_at=NOON - DAY, to_at=NOON + HOUR, group_by=["model"], interval="day")

    assert found["results"] == [
        {
            "day": "2026-03-09", "model": "sim/beta", "calls": 1, "errors": 1, "recovered": 0, "unpriced_calls": 0,
            "cost_usd": "0.000140000001", "input_tokens": 100, "cached_input_tokens": 0, "cache_write_tokens": 0,
            "output_tokens": 20, "reasoning_tokens": 0,
            "latency_ms_p50": pytest.approx(250, rel=0.02), "latency_ms_p95": pytest.approx(250, rel=0.02),
            "latency_ms_p99": pytest.approx(250, rel=0.02),
        },
        {
            "day": "2026-03-10", "model": "sim/alpha", "calls": 3, "errors": 1, "recovered": 1, "unpriced_calls": 1,
            "cost_usd": "0.000280000002", "input_tokens": 300, "cached_input_tokens": 0, "cache_write_tokens": 0,
            "output_tokens": 40, "reasoning_tokens": 0,
            "latency_ms_p50": pytest.approx(200, rel=0.02), "latency_ms_p95": pytest.approx(250, rel=0.02),
            "latency_ms_p99": pytest.approx(250, rel=0.02),
        },
    ]  # fmt: skip
    assert (found["total"]["calls"], found["total"]["cost_usd"]) == (4, "0.000420000003")


@pytest.mark.django_db
def test_g01_a_total_of_unpriced_calls_alone_is_unknown_and_not_nothing():
    keep(call(cost_usd=None), call(alias="free", cost_usd=Decimal(0)))

    found = summary(from_at=NOON, to_at=NOON + HOUR, group_by=["alias"])

    assert {group["alias"]: group["cost_usd"] for group in found["results"]} == {"fast": None, "free": "0"}
    assert (found["total"]["cost_usd"], found["total"]["unpriced_calls"]) == ("0", 1)
    assert summary(from_at=NOON - DAY, to_at=NOON, group_by=["alias"])["total"]["cost_usd"] == "0"


@pytest.mark.django_db
def test_a_summary_counts_from_its_first_moment_up_to_its_last_and_knows_what_came_just_now():
    keep(call(started_at=NOON - HOUR))
    store(
        [
            call(),
            call(started_at=NOON + timedelta(minutes=29, seconds=59)),
            call(started_at=NOON + timedelta(minutes=30)),
        ]
    )

    def calls(from_at, to_at):
        return summary(from_at=from_at, to_at=to_at, group_by=["hour"])["total"]["calls"]

    assert calls(NOON - HOUR, NOON + HOUR) == 4
    assert calls(NOON, NOON + timedelta(minutes=30)) == 2
    assert calls(NOON + timedelta(minutes=30), NOON + 2 * HOUR) == 1
    assert calls(NOON - timedelta(minutes=1), NOON + timedelta(seconds=1)) == 1


@pytest.mark.django_db
def test_a_summary_is_filtered_by_any_dimension():
    keep(call(), call(service="other"), call(service="third", model="sim/beta"))

    found = summary(
        from_at=NOON, to_at=NOON + HOUR, group_by=["service"], filters={"service": ["web", "third"], "alias": ""}
    )

    assert [group["service"] for group in found["results"]] == ["third", "web"]
    assert found["total"]["calls"] == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"group_by": ["colour"]}, "group_by"), ({"interval": "week"}, "interval"), ({"to_at": NOON}, "to")],
)
def test_a_summary_refuses_what_it_does_not_know(wrong, field):
    with pytest.raises(InvalidError) as refused:
        summary(**({"from_at": NOON, "to_at": NOON + HOUR} | wrong))

    assert set(refused.value.fields) == {field}


# Time


@pytest.mark.django_db
def test_g05_a_viewers_day_holds_the_hours_that_begin_in_it():
    kathmandu = ZoneInfo("Asia/Kathmandu")  # UTC+5:45: its day begins at 18:15 UTC
    begin = datetime(2026, 3, 10, tzinfo=kathmandu)
    keep(
        call(started_at=datetime(2026, 3, 9, 18, 30, tzinfo=UTC)),
        call(started_at=datetime(2026, 3, 9, 19, 0, tzinfo=UTC)),
    )

    today = timeline(from_at=begin, to_at=begin + DAY, zone=kathmandu)
    yesterday = timeline(from_at=begin - DAY, to_at=begin, zone=kathmandu)

    assert (today.starts, today.total.calls) == ([begin], 1)
    assert (yesterday.starts, yesterday.total.calls) == ([begin - DAY], 1)


@pytest.mark.django_db
def test_a_timeline_has_every_bucket_and_folds_small_series_into_one():
    keep(
        *(call(model=f"sim/m{number}", cost_usd=Decimal(number), started_at=NOON - DAY * number) for number in range(6))
    )

    found = timeline(from_at=NOON - 6 * DAY, to_at=NOON + HOUR, by="model", most_series=3)

    assert len(found.starts) == len(found.points) == 7
    assert [(one.name, one.total.cost_usd, one.is_others) for one in found.series] == [
        ("sim/m5", 5, False), ("sim/m4", 4, False), ("other", 6, True),
    ]  # fmt: skip
    assert found.total.cost_usd == 15


@pytest.mark.django_db
def test_the_repeated_hour_of_autumn_stays_two_hours():
    berlin = ZoneInfo("Europe/Berlin")
    first, second = datetime(2025, 10, 26, 0, tzinfo=UTC), datetime(2025, 10, 26, 1, tzinfo=UTC)
    keep(call(started_at=first), call(started_at=second))

    hourly = timeline(from_at=first, to_at=second + HOUR, interval="hour", zone=berlin)
    daily = timeline(from_at=first - DAY, to_at=second + 2 * DAY, interval="day", zone=berlin)

    assert [point.calls for point in hourly.points] == [1, 1]
    assert daily.total.calls == 2


# Pages


@pytest.mark.django_db
def test_the_cost_table_stands_beside_the_period_before():
    keep(
        call(model="a/x", cost_usd=Decimal(6)),
        call(model="a/x", cost_usd=None),
        call(model="b/y", cost_usd=Decimal(2)),
        call(model="a/x", cost_usd=Decimal(3), started_at=NOON - DAY),
        call(model="gone/z", cost_usd=Decimal(1), started_at=NOON - DAY),
    )

    table = cost_table(from_at=NOON - HOUR, to_at=NOON + 23 * HOUR, by="model")

    assert [(row.name, row.totals.cost_usd, row.previous.cost_usd, row.share, row.change) for row in table.rows] == [
        ("a/x", 6, 3, 0.75, 1.0), ("b/y", 2, 0, 0.25, None), ("gone/z", 0, 1, 0.0, -1.0),
    ]  # fmt: skip
    assert (table.total.cost_usd, table.previous.cost_usd, table.change) == (8, 4, 1.0)
    dearest = table.rows[0].totals
    assert (dearest.unpriced_calls, dearest.cost_per_call_usd, dearest.cost_per_1k_tokens_usd) == (1, 6, 50)
    assert [(one.model, one.calls, one.tokens) for one in unpriced_models(from_at=NOON, to_at=NOON + HOUR)] == [
        ("a/x", 1, 120)
    ]


@pytest.mark.django_db
def test_the_error_table_keeps_what_callers_saw_apart_from_what_was_absorbed():
    late = NOON + timedelta(minutes=5)
    seen = call(
        provider="b",
        status="error",
        error_class="service",
        attempts=[failed("a"), failed("b", message="newest", started_at=late)],
    )
    keep(
        call(status="recovered", attempts=[failed("a"), attempt("b")]),
        seen,
        call(attempts=[attempt("a")]),
        call(status="cancelled", attempts=[attempt("a", status="cancelled")]),
    )

    table = error_table(from_at=NOON, to_at=NOON + HOUR)

    assert [(row.error_class, row.provider, row.attempts, row.absorbed, row.seen, row.calls) for row in table.rows] == [
        ("service", "a", 2, 1, 1, 0), ("service", "b", 1, 0, 1, 1),
    ]  # fmt: skip
    assert (table.rows[1].example, table.rows[1].example_record_id, table.rows[1].last_at) == ("newest", seen.id, late)
    assert (table.total.calls, table.total.errors, table.total.recovered) == (4, 1, 1)
    (series,) = error_timeline(from_at=NOON, to_at=NOON + HOUR).series
    assert (series.error_class, series.seen, series.absorbed) == ("service", [2], [1])
    assert error_timeline(from_at=NOON, to_at=NOON + HOUR).attempts == [6]


@pytest.mark.django_db
def test_g22_health_comes_from_tries_in_quarters_of_an_hour():
    keep(
        call(status="recovered", attempts=[failed("down"), attempt("up")], started_at=NOON + timedelta(minutes=35)),
        call(status="error", attempts=[failed("up", error_class="invalid_request")], started_at=NOON),
        call(attempts=[attempt("up")], started_at=NOON - DAY - HOUR),
    )

    down, up = provider_health(NOW)

    assert (down.provider, down.state, down.cells[-1].failures, down.absorbed, down.last_failure) == (
        "down",
        "down",
        1,
        1,
        "Overloaded",
    )
    assert (up.state, up.attempts, up.failures) == ("healthy", 2, 0)
    assert [cell.attempts for cell in up.cells[-3:]] == [1, 0, 1]
    assert len(up.cells) == 96
    assert up.cells[-1].at == NOON + timedelta(minutes=30)


@pytest.mark.django_db
def test_the_overview_sets_each_period_beside_the_one_before():
    new_york = ZoneInfo("America/New_York")  # in March UTC-4: its day began at 04:00 UTC
    keep(
        call(cost_usd=Decimal(8), ttft_ms=40.0),
        call(cost_usd=Decimal(1), started_at=NOON - 10 * HOUR),
        call(cost_usd=Decimal(2), started_at=NOON - DAY, alias=""),
        call(cost_usd=Decimal(5), started_at=NOON - 20 * HOUR, alias="big"),
        call(cost_usd=Decimal(4), started_at=NOON - 10 * DAY),
        call(cost_usd=Decimal(1), started_at=NOON - 40 * DAY),
    )

    found = overview_figures(NOW, zone=new_york)

    assert (found.today.totals.cost_usd, found.today.previous.cost_usd, found.today.change) == (8, 2, 3.0)
    assert (found.week.totals.cost_usd, found.week.previous.cost_usd) == (16, 4)
    assert (found.month.totals.cost_usd, found.month.previous.cost_usd) == (20, 1)
    assert found.ttft_ms_p50 == pytest.approx(40, rel=0.02)
    assert [(one.name, one.totals.cost_usd) for one in found.top_aliases] == [("fast", 9), ("big", 5)]
    assert found.spend.total.cost_usd == 20
    assert len(found.spend.starts) == 30


@pytest.mark.django_db
def test_every_view_of_nothing_is_empty_and_not_broken():
    found = overview_figures(NOW)

    assert not found.has_calls
    assert (found.today.change, found.latency_ms_p95, found.health, found.spend.series) == (None, None, [], [])
    assert cost_table(from_at=NOON, to_at=NOW).rows == []
    assert error_table(from_at=NOON, to_at=NOW).rows == []
    assert summary(from_at=NOON, to_at=NOW, group_by=["day"])["results"] == []


@pytest.mark.django_db
def test_g26_g27_pages_ask_the_rollup_a_number_of_times_that_does_not_grow(
    django_assert_num_queries, django_assert_max_num_queries
):
    reads = {
        lambda: overview_figures(NOW): 7,
        lambda: cost_table(from_at=NOW - 30 * DAY, to_at=NOW): 2,
        lambda: error_table(from_at=NOW - 30 * DAY, to_at=NOW): 4,
        lambda: error_timeline(from_at=NOW - 30 * DAY, to_at=NOW): 1,
        lambda: timeline(from_at=NOW - 30 * DAY, to_at=NOW, by="model"): 1,
    }
    for days in (1, 8):
        grow(days)
        for read, queries in reads.items():
            with django_assert_num_queries(queries) as asked:
                read()
            assert not [one for one in asked.captured_queries if 'FROM "usage_usagerecord"' in one["sql"]]
        with django_assert_max_num_queries(6):
            find_records(size=50, with_attempts=True)


# Records


@pytest.mark.django_db
def test_records_are_paged_newest_first_in_both_directions():
    entries = [call(started_at=NOON - timedelta(minutes=number // 2)) for number in range(11)]
    store(entries)
    expected = [entry.id for entry in sorted(entries, key=lambda one: (one.started_at, one.id), reverse=True)]

    seen, cursor, page = [], None, None
    while page is None or cursor:
        page = find_records(cursor=cursor, size=4)
        seen += [record.id for record in page.rows]
        cursor = page.next_cursor

    assert seen == expected
    back = find_records(cursor=page.previous_cursor, size=4)
    assert [record.id for record in back.rows] == expected[4:8]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "error"}, {"failed"}),
        ({"status": ["ok", "error"], "model": None, "alias": ""}, {"failed", "cheap", "dear"}),
        ({"failed": True}, {"failed"}),
        ({"unpriced": True}, {"failed"}),
        ({"min_cost_usd": Decimal(1)}, {"dear"}),
        ({"max_latency_ms": 100}, {"cheap"}),
        ({"from_at": NOON, "to_at": NOON + HOUR}, {"cheap", "failed"}),
        ({"user": "nobody"}, set()),
    ],
)
def test_records_are_filtered(filters, expected):
    store(
        [
            call(request_id="cheap", latency_ms=5.0),
            call(request_id="dear", cost_usd=Decimal(2), started_at=NOON - HOUR),
            call(request_id="failed", status="error", error_class="timeout", cost_usd=None),
        ]
    )

    assert set(records(**filters).values_list("request_id", flat=True)) == expected


@pytest.mark.django_db
def test_a_record_that_is_not_there_is_missing():
    for wrong in ("not-an-id", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(MissingError):
            get_record(wrong)


@pytest.mark.django_db
def test_an_unknown_filter_is_a_mistake_of_the_programmer():
    with pytest.raises(ValueError, match="can't be filtered by colour"):
        records(colour="red")
    with pytest.raises(ValueError, match="can't be filtered by colour"):
        cost_table(from_at=NOON, to_at=NOW, filters={"colour": "red"})
    assert not UsageHour.objects.exists()
