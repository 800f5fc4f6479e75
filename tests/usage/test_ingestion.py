from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from llmadmin.core.errors import InvalidError
from llmadmin.usage.models import StaleHour, UsageRecord
from llmadmin.usage.selectors import get_record, record_json
from llmadmin.usage.services import Stored, ingest

STARTED = "2026-03-10T12:00:00Z"


def report(**fields):
    return {"id": str(uuid.uuid4()), "started_at": STARTED, "model": "sim/alpha", "status": "ok"} | fields


def refusal(*payloads) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        ingest(list(payloads), service="web")
    assert not UsageRecord.objects.exists()
    return refused.value.fields


@pytest.mark.django_db
def test_a_record_comes_out_as_it_went_in():
    sent = report(
        alias="fast", agent="coder", status="recovered", settlement="estimated", user="ana", error_class="rate_limit",
        http_status=200, input_tokens=5, cached_input_tokens=4, cache_write_tokens=3, output_tokens=2, reasoning_tokens=1,
        cost_usd="0.004200000001", latency_ms=812.5, ttft_ms=99.0, is_stream=True, tags={"job": "nightly", "try": 2, "dry": False},
        attempts=[
            {
                "provider": "other", "model": "other/x", "key_id": str(uuid.uuid4()), "status": "error", "upstream_status": 429,
                "error_class": "rate_limit", "started_at": STARTED, "latency_ms": 12.0,
            },
            {
                "provider": "sim", "model": "sim/alpha", "key_id": None, "status": "ok", "upstream_status": 200,
                "error_class": "", "started_at": STARTED, "latency_ms": 800.5,
            },
        ],
    )  # fmt: skip

    assert ingest(sent, service="web", team="core") == Stored(accepted=1, duplicates=0)

    record = get_record(sent["id"])
    assert record_json(record) == sent | {"service": "web"}
    assert (record.team, record.origin, record.attempt_count, record.fallback_count) == ("core", "reported", 2, 1)
    assert StaleHour.objects.count() == 1


@pytest.mark.django_db
def test_the_service_is_always_the_callers_own():
    ingest(report(service="somebody-else"), service="web")

    assert UsageRecord.objects.get().service == "web"


@pytest.mark.django_db
def test_duplicates_are_counted_and_written_once():
    same = report()

    assert ingest([same, same, report()], service="web") == Stored(accepted=2, duplicates=1)
    assert ingest([same], service="web") == Stored(accepted=0, duplicates=1)

    assert UsageRecord.objects.count() == 2


@pytest.mark.django_db
def test_all_mistakes_are_named_and_nothing_is_written():
    fields = refusal(
        report(),
        report(input_tokens=-1, colour="red"),
        {"status": "ok"},
        report(
            model="alpha",
            status="great",
            cost_usd="-1",
            attempts=[{"model": "sim/alpha", "status": "ok", "latency_ms": "soon"}],
        ),
        "not an object",
    )

    assert set(fields) == {
        "1.input_tokens", "1.colour", "2.model", "3.model", "3.status", "3.cost_usd", "3.attempts.0.latency_ms", "4",
    }  # fmt: skip
    assert "There is no such field" in fields["1.colour"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "seven"),
        ("id", 7),
        ("started_at", "yesterday"),
        ("started_at", "2026-13-40T00:00:00Z"),
        ("started_at", "1999-01-01T00:00:00Z"),
        ("started_at", "0001-01-01T00:00:00+14:00"),
        ("model", ""),
        ("model", "/alpha"),
        ("model", "sim/"),
        ("model", "p" * 64 + "/x"),
        ("model", None),
        ("alias", 3),
        ("alias", "a" * 129),
        ("user", "nul \x00"),
        ("user", "half \ud800"),
        ("status", None),
        ("settlement", "maybe"),
        ("error_class", "bad_luck"),
        ("http_status", 99),
        ("input_tokens", 1.5),
        ("input_tokens", True),
        ("input_tokens", 10**30),
        ("cost_usd", "NaN"),
        ("cost_usd", "Infinity"),
        ("cost_usd", "1e999999"),
        ("cost_usd", True),
        ("cost_usd", {}),
        ("latency_ms", -1),
        ("latency_ms", float("nan")),
        ("latency_ms", 10**400),
        ("ttft_ms", "fast"),
        ("is_stream", "yes"),
        ("tags", ["a"]),
        ("tags", {"": "empty name"}),
        ("tags", {"a": {"nested": 1}}),
        ("tags", {"a": "x" * 257}),
        ("tags", {"a": float("inf")}),
        ("tags", {str(number): number for number in range(33)}),
        ("attempts", {}),
        ("attempts", [{}] * 51),
    ],
)
def test_a_value_that_can_not_be_is_refused_with_a_sentence(name, value):
    fields = refusal(report(**{name: value}))

    assert set(fields) == {f"0.{name}"}
    assert fields[f"0.{name}"][-1] in ".?"


@pytest.mark.django_db
def test_a_call_in_the_future_is_refused():
    later = (timezone.now() + timedelta(hours=2)).isoformat()

    assert set(refusal(report(started_at=later))) == {"0.started_at"}


@pytest.mark.django_db
def test_a_mistake_is_named_in_text_that_can_be_sent_back():
    fields = refusal(report(**{"\ud800" + "x" * 500: 1}))

    assert set(fields) == {"0.?" + "x" * 63}


@pytest.mark.django_db
def test_the_mistakes_of_a_lone_record_carry_no_number():
    with pytest.raises(InvalidError) as refused:
        ingest(report(status="great"), service="web")

    assert set(refused.value.fields) == {"status"}


@pytest.mark.django_db
@pytest.mark.parametrize("payloads", [[], [{}] * 1001, "text", 7, None])
def test_a_batch_has_one_to_a_thousand_records(payloads):
    with pytest.raises(InvalidError):
        ingest(payloads, service="web")


@pytest.mark.django_db
def test_g01_a_cost_that_is_left_out_is_computed_and_an_unknown_price_stays_unknown(catalogue):
    from llmadmin.catalog.models import Price

    Price.objects.update(effective_from="2026-01-01T00:00:00Z")
    priced = report(input_tokens=1000, output_tokens=500)
    free = report(cost_usd="0")
    unknown = report(cost_usd=None, input_tokens=9)
    stranger = report(model="sim/nobody-knows", input_tokens=9)

    ingest([priced, free, unknown, stranger], service="web")

    costs = {str(record.id): record.cost_usd for record in UsageRecord.objects.all()}
    assert costs == {priced["id"]: Decimal("0.002"), free["id"]: Decimal(0), unknown["id"]: None, stranger["id"]: None}
    assert UsageRecord.objects.get(pk=priced["id"]).rates["input_usd_per_mtok"] == "1"


@pytest.mark.django_db
def test_g06_the_price_is_the_one_in_force_when_the_call_began(catalogue):
    from llmadmin.catalog.models import Price

    model = catalogue.models[0]
    Price.objects.filter(model=model).update(effective_from="2026-03-01T00:00:00Z")
    Price.objects.create(
        model=model, effective_from="2026-03-10T12:00:00Z", input_usd_per_mtok=5, output_usd_per_mtok=0
    )
    before = report(started_at="2026-02-28T23:59:59Z", input_tokens=1_000_000)
    first = report(started_at="2026-03-10T11:59:59Z", input_tokens=1_000_000)
    second = report(input_tokens=1_000_000)

    ingest([before, first, second], service="web")

    costs = {str(record.id): record.cost_usd for record in UsageRecord.objects.all()}
    assert costs == {before["id"]: None, first["id"]: Decimal(1), second["id"]: Decimal(5)}


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_batch(catalogue, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        ingest([report(attempts=[{"model": "sim/beta", "status": "ok"}]) for _ in range(1000)], service="web")
