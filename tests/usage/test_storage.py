from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from llmadmin.usage.models import Attempt, StaleHour, UsageRecord
from llmadmin.usage.services import Stored, store
from tests.usage.calls import NOON, attempt, call, failed


@pytest.mark.django_db
def test_a_call_is_stored_with_all_its_fields_and_attempts():
    entry = call(
        key_id=uuid.uuid4(), rates={"input_usd_per_mtok": "1"}, tags={"team": "café"}, ttft_ms=12.5, config_version=7,
        status="recovered", attempts=[failed("other"), attempt()], attempt_count=2, fallback_count=1,
    )  # fmt: skip

    stored = store([entry])

    record = UsageRecord.objects.get(pk=entry.id)
    assert stored == Stored(accepted=1, duplicates=0)
    for name in entry.__dataclass_fields__:
        if name != "attempts":
            assert getattr(record, name) == getattr(entry, name), name
    assert [(one.position, one.provider, one.status, one.message) for one in record.attempts.order_by("position")] == [
        (1, "other", "error", "Overloaded"),
        (2, "sim", "ok", ""),
    ]


@pytest.mark.django_db
def test_the_same_call_twice_counts_as_a_duplicate_in_one_batch_and_across_batches():
    first, second = call(attempts=[attempt()]), call()

    assert store([first, first, second]) == Stored(accepted=2, duplicates=1)
    assert store([first, second, call()]) == Stored(accepted=1, duplicates=2)

    assert UsageRecord.objects.count() == 3
    assert Attempt.objects.count() == 1


@pytest.mark.django_db
def test_an_open_record_is_settled_by_its_service_and_by_nobody_else():
    entry = call(settlement="open", attempts=[failed()])
    store([entry])

    assert store([call(id=entry.id, settlement="open")]) == Stored(accepted=0, duplicates=1)
    stranger = call(id=entry.id, service="stranger", input_tokens=9)
    assert store([stranger]) == Stored(accepted=0, duplicates=1)
    settled = call(id=entry.id, input_tokens=7, attempts=[failed(), attempt()])
    assert store([settled]) == Stored(accepted=1, duplicates=0)
    assert store([call(id=entry.id, input_tokens=8)]) == Stored(accepted=0, duplicates=1)

    record = UsageRecord.objects.get()
    assert (record.settlement, record.input_tokens, record.attempts.count()) == ("final", 7, 2)


@pytest.mark.django_db
def test_storing_marks_the_hours_of_new_records_and_only_those():
    known = call()
    store([known])
    StaleHour.objects.all().delete()

    store(
        [
            known,
            call(started_at=NOON - timedelta(hours=3, minutes=5)),
            call(settlement="open", started_at=NOON + timedelta(hours=9)),
        ]
    )

    assert [one.hour for one in StaleHour.objects.all()] == [NOON - timedelta(hours=4)]


@pytest.mark.django_db
def test_text_that_a_column_can_not_hold_is_made_to_fit():
    entry = call(
        user="u" * 5000, error_message="nul \x00 and half \ud800 pair", tags={"a\x00": ["\ud800", {"b": "\\u0000"}]},
        latency_ms=float("nan"), ttft_ms=float("inf"), attempt_count=99999,
    )  # fmt: skip

    store([entry])

    record = UsageRecord.objects.get()
    assert len(record.user) == 200
    assert record.error_message == "nul  and half ? pair"
    assert record.tags == {"a": ["?", {"b": "\\u0000"}]}
    assert (record.latency_ms, record.ttft_ms, record.attempt_count) == (0, None, 32767)


@pytest.mark.django_db
def test_g01_money_keeps_all_twelve_places_and_adds_up_exactly():
    amounts = [Decimal("1234567.123456789012"), Decimal("0.000000000001"), Decimal("0.100000000000")] * 2

    store([call(cost_usd=amount) for amount in amounts])

    from django.db.models import Sum

    assert sorted(UsageRecord.objects.values_list("cost_usd", flat=True)) == sorted(amounts)
    assert UsageRecord.objects.aggregate(total=Sum("cost_usd"))["total"] == sum(amounts)
    assert UsageRecord.objects.filter(cost_usd__gte=Decimal("0.1")).count() == 4


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_entries(django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        store([call(attempts=[attempt()]) for _ in range(400)])


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_the_same_calls_count_each_call_once():
    entries = [call(attempts=[attempt()]) for _ in range(300)]
    results: list[Stored] = []
    gate = threading.Barrier(2)

    def write(mine):
        gate.wait()
        results.append(store(mine))
        connection.close()

    threads = [threading.Thread(target=write, args=(mine,)) for mine in (entries, entries[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one.accepted for one in results) == 300
    assert sum(one.duplicates for one in results) == 300
    assert UsageRecord.objects.count() == Attempt.objects.count() == 300
