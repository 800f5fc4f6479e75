from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmadmin.usage.folding import counted
from llmadmin.usage.models import AttemptHour, StaleHour, UsageHour, UsageRecord
from llmadmin.usage.selectors import check_hours, cost_table, summary, timeline, total_cost
from llmadmin.usage.services import roll_up, roll_up_stale, store
from llmadmin.usage.tasks import roll_up_stale as roll_up_stale_task
from tests.usage.calls import NOON, attempt, call, failed

HOUR = timedelta(hours=1)


@pytest.mark.django_db
def test_an_hour_is_folded_by_its_dimensions():
    store(
        [
            call(),
            call(latency_ms=500.0, ttft_ms=90.0, cost_usd=None),
            call(model="sim/beta", status="error", error_class="service"),
        ]
    )

    assert roll_up(NOON + timedelta(minutes=59)) == 2

    alpha = UsageHour.objects.get(model="sim/alpha")
    assert (alpha.hour, alpha.calls, alpha.unpriced_calls, alpha.unpriced_tokens) == (NOON, 2, 1, 120)
    assert (alpha.cost_usd, alpha.input_tokens, alpha.output_tokens) == (Decimal("0.000140000001"), 200, 40)
    assert sum(alpha.latency_histogram.values()) == 2
    assert sum(alpha.ttft_histogram.values()) == 1
    assert UsageHour.objects.get(model="sim/beta").error_class == "service"


@pytest.mark.django_db
def test_g05_rolling_up_twice_and_late_records_never_count_double():
    store([call()])
    roll_up(NOON)
    roll_up(NOON)
    store([call(started_at=NOON + timedelta(minutes=1))])

    assert roll_up_stale() == 1
    assert roll_up_stale() == 0

    assert UsageHour.objects.get().calls == 2
    assert check_hours(from_at=NOON, to_at=NOON + HOUR) == []


@pytest.mark.django_db
def test_an_open_record_is_not_counted():
    store([call(settlement="open"), call()])

    roll_up(NOON)

    assert UsageHour.objects.get().calls == 1


@pytest.mark.django_db
def test_an_hour_without_records_loses_its_rollup():
    store([call(attempts=[attempt()])])
    roll_up(NOON)
    UsageRecord.objects.all().delete()

    roll_up(NOON)

    assert not UsageHour.objects.exists()
    assert not AttemptHour.objects.exists()


@pytest.mark.django_db
def test_g22_tries_are_folded_by_target_with_the_absorbed_ones_apart():
    absorbed = call(
        status="recovered",
        attempts=[failed("other", message="first"), attempt()],
        started_at=NOON + timedelta(minutes=50),
    )
    seen = call(
        status="error",
        error_class="service",
        attempts=[failed("other", message="last", started_at=NOON + timedelta(minutes=1))],
    )
    store([absorbed, seen, call(alias="reported without attempts")])

    roll_up(NOON)

    other = AttemptHour.objects.get(provider="other")
    assert (other.attempts, other.absorbed, other.quarters) == (2, 1, [1, 0, 0, 1])
    assert (other.example, other.example_record_id) == ("last", seen.id)
    assert (other.first_at, other.last_at) == (NOON, NOON + timedelta(minutes=1))
    sim = AttemptHour.objects.get(provider="sim")
    assert (sim.status, sim.attempts) == ("ok", 2)


@pytest.mark.django_db
def test_check_hours_names_what_differs():
    store([call()])
    roll_up(NOON)
    UsageHour.objects.update(cost_usd=Decimal(5))

    (difference,) = check_hours(from_at=NOON, to_at=NOON + HOUR)

    assert (difference.name, difference.rows, difference.rollup) == ("cost_usd", Decimal("0.000140000001"), Decimal(5))
    assert not difference.is_stale


@pytest.mark.django_db(transaction=True)
def test_a_record_that_is_committed_while_its_hour_is_rolled_up_keeps_the_hour_stale():
    store([call()])
    is_written, may_commit = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            store([call()])
            is_written.set()
            may_commit.wait(10)
        connection.close()

    def fold():
        roll_up(NOON)
        connection.close()

    writer, folder = threading.Thread(target=write), threading.Thread(target=fold)
    writer.start()
    is_written.wait(10)
    folder.start()
    folder.join(0.3)
    may_commit.set()
    writer.join()
    folder.join()
    roll_up_stale()

    assert check_hours(from_at=NOON, to_at=NOON + HOUR) == []
    assert UsageHour.objects.get().calls == 2


@pytest.mark.django_db
def test_the_rollup_stops_at_its_time_budget_with_the_newest_hours_done():
    store([call(started_at=NOON - HOUR * number) for number in range(5)])

    assert roll_up_stale(budget_s=0) == 1
    assert roll_up_stale(from_at=NOON - 2 * HOUR, to_at=NOON - HOUR) == 1

    assert set(UsageHour.objects.values_list("hour", flat=True)) == {NOON, NOON - 2 * HOUR}
    assert roll_up_stale_task() == 3


@pytest.mark.django_db(transaction=True)
def test_rollups_and_writers_at_once_end_with_the_truth():
    gate = threading.Barrier(4)

    def write():
        gate.wait()
        for _ in range(6):
            store([call(attempts=[attempt()]) for _ in range(5)])
        connection.close()

    def fold():
        gate.wait()
        for _ in range(6):
            roll_up_stale()
            roll_up(NOON)
        connection.close()

    threads = [threading.Thread(target=work) for work in (write, write, fold, fold)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    roll_up_stale()

    assert check_hours(from_at=NOON, to_at=NOON + HOUR) == []
    assert UsageHour.objects.get().calls == 60


ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
amounts = st.one_of(st.none(), st.decimals(0, 10_000, places=12))
moments = st.datetimes(datetime(2026, 3, 5), datetime(2026, 3, 12), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
entries = st.builds(
    call,
    id=st.builds(uuid.uuid4),
    started_at=moments,
    cost_usd=amounts,
    model=st.sampled_from(["a/x", "a/y", "b/x"]),
    status=st.sampled_from(["ok", "recovered", "error", "cancelled", "truncated"]),
    settlement=st.sampled_from(["final", "estimated", "aborted", "open"]),
    input_tokens=st.integers(0, 10**9),
    reasoning_tokens=st.integers(0, 10**9),
)


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries, max_size=20), st.sampled_from(ZONES), moments, moments)
def test_g05_rows_hours_days_and_months_add_up_to_the_last_digit_in_any_zone(calls, zone, one_bound, other_bound):
    UsageRecord.objects.all().delete()
    UsageHour.objects.all().delete()
    StaleHour.objects.all().delete()
    store(calls)
    roll_up_stale()
    begin, end = datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)
    rows = list(counted(from_at=begin, to_at=end))
    expected_cost = sum((row.cost_usd for row in rows if row.cost_usd is not None), Decimal(0))

    hourly, daily, monthly = (
        timeline(from_at=begin, to_at=end, interval=interval, by="model", zone=ZoneInfo(zone), most_series=2)
        for interval in ("hour", "day", "month")
    )

    for view in (hourly, daily, monthly):
        assert view.total.cost_usd == expected_cost
        assert sum((series.total.cost_usd for series in view.series), Decimal(0)) == expected_cost
        assert sum(point.calls for point in view.points) == len(rows)
    assert total_cost(from_at=begin, to_at=end).cost_usd == expected_cost
    table = cost_table(from_at=begin, to_at=end, by="model")
    assert sum((row.totals.cost_usd for row in table.rows), Decimal(0)) == table.total.cost_usd == expected_cost
    assert table.total.unpriced_calls == sum(row.cost_usd is None for row in rows)
    assert check_hours(from_at=begin, to_at=end) == []

    low, high = sorted((one_bound, other_bound))
    if low < high:
        part = list(counted(from_at=low, to_at=high))
        found = summary(from_at=low, to_at=high, group_by=["day", "model", "status"])
        assert found["total"]["calls"] == len(part) == sum(group["calls"] for group in found["results"])
        assert found["total"]["input_tokens"] == sum(row.input_tokens for row in part)
        if any(row.cost_usd is not None for row in part):
            exact = sum((row.cost_usd for row in part if row.cost_usd is not None), Decimal(0))
            assert Decimal(found["total"]["cost_usd"]) == exact
