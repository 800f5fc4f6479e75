"""A canary's two sides next to each other."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from llmadmin.impact.comparing import compare
from llmadmin.usage.services import store
from tests.console.traffic import NOW, made

SINCE = NOW - timedelta(hours=6)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def calls(side: str, count: int, **fields) -> list:
    return [made(5 + number / 10, alias="fast", side=side, **fields) for number in range(count)]


def verdicts() -> dict[str, tuple[str, str]]:
    return {one.what: (one.tone, one.sureness) for one in compare("fast", since=SINCE).verdicts}


def test_each_side_adds_up_its_own_calls_since_the_canary_began():
    store(
        [
            *calls("canary", 2, latency_ms=100.0, ttft_ms=20.0, cost_usd=Decimal("0.02")),
            *calls("canary", 1, status="error", error_class="service", cost_usd=Decimal(0)),
            *calls("canary", 1, status="recovered", fallback_count=1, latency_ms=900.0, cost_usd=None),
            *calls("stable", 3, latency_ms=300.0),
            made(7 * 60, alias="fast", side="canary", latency_ms=5000.0),
            made(alias="other", side="canary"),
            made(alias="fast"),
            *calls("stable", 1, is_cache_hit=True),
            *calls("stable", 1, settlement="open"),
        ]
    )

    found = compare("fast", since=SINCE)

    ours = found.canary
    assert (ours.calls, ours.errors, ours.fallbacks, ours.failed, ours.unpriced_calls) == (4, 1, 1, 2, 1)
    assert (ours.error_rate, ours.failure_rate) == (0.25, 0.5)
    assert (ours.latency_ms_p50, ours.latency_ms_p95, ours.ttft_ms_p50) == (100.0, 900.0, 20.0)
    assert ours.cost_per_call_usd == Decimal("0.04") / 3
    assert (found.stable.calls, found.stable.failed, found.stable.latency_ms_p50) == (3, 0, 300.0)


def test_few_calls_say_nothing_however_different_they_look():
    store([*calls("canary", 29, status="error", latency_ms=9000.0), *calls("stable", 500)])

    assert verdicts() == dict.fromkeys(("failures", "latency", "cost"), ("same", "too few"))
    assert not compare("fast", since=SINCE).has_enough


def test_equal_sides_are_said_to_be_equal():
    store([*calls("canary", 60, latency_ms=200.0), *calls("stable", 600, latency_ms=200.0)])

    assert verdicts() == dict.fromkeys(("failures", "latency", "cost"), ("same", "chance"))


def test_clear_differences_are_said_to_be_certain_each_in_its_direction():
    store(
        [
            *calls("canary", 40, latency_ms=100.0, cost_usd=Decimal("0.03")),
            *calls("canary", 20, status="recovered", fallback_count=1, latency_ms=110.0, cost_usd=Decimal("0.03")),
            *calls("stable", 300, latency_ms=400.0),
        ]
    )

    found = compare("fast", since=SINCE)

    assert verdicts() == {
        "failures": ("worse", "certain"),
        "latency": ("better", "certain"),
        "cost": ("worse", "certain"),
    }
    assert found.verdicts[0].sentence == "Fails more often: chance would show this in fewer than 1 of 100 trials."


def test_at_most_a_fixed_number_of_calls_is_looked_at_the_latest():
    store([*calls("canary", 10, latency_ms=100.0), made(60, alias="fast", side="canary", latency_ms=9000.0)])

    found = compare("fast", since=SINCE, most=10)

    assert (found.canary.calls, found.canary.latency_ms_p95, found.canary.is_cut) == (10, 100.0, True)


def test_g26_both_sides_are_read_by_their_index():
    store([*calls("canary", 3), *calls("stable", 3)])
    with CaptureQueriesContext(connection) as captured:
        compare("fast", since=SINCE)

    assert len(captured) == 2
    for query in captured:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute(f"EXPLAIN {query['sql']}")
            else:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            assert "usage_by_side" in str(cursor.fetchall())
