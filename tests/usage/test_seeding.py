from __future__ import annotations

from decimal import Decimal

import pytest

from llmadmin.usage.models import StaleHour, UsageHour, UsageRecord
from llmadmin.usage.seeding import SeedTarget, seed
from llmadmin.usage.selectors import check_hours
from providers.entries import PriceConfig
from tests.usage.calls import NOON

PRICE = PriceConfig(input_usd_per_mtok=Decimal(3), output_usd_per_mtok=Decimal(15))


def grow(*, days: int = 5, per_day: int = 300) -> int:
    return seed(
        [SeedTarget("east", "east/large", PRICE), SeedTarget("west", "west/fast", PRICE), SeedTarget("west", "west/new")],
        aliases={"smart": ["east/large", "west/fast"], "fast": ["west/fast"], "preview": ["west/new"]},
        agents={"coder": "smart"},
        services={"chat": ["smart", "fast"], "lab": []},
        days=days,
        per_day=per_day,
        now=NOON,
    )  # fmt: skip


@pytest.mark.django_db
def test_seeded_usage_has_everything_that_the_pages_show():
    total = grow()

    kinds = set(UsageRecord.objects.values_list("status", flat=True))
    assert 1000 < total == UsageRecord.objects.count()
    assert kinds == {"ok", "recovered", "error", "cancelled", "truncated"}
    assert UsageRecord.objects.filter(model="west/new", status="ok", cost_usd__isnull=True).exists()
    assert not UsageRecord.objects.filter(model="west/fast", status="ok", cost_usd__isnull=True).exists()
    assert UsageRecord.objects.filter(is_stream=True, ttft_ms__gt=0).exists()
    assert not UsageRecord.objects.filter(started_at__gt=NOON).exists()


@pytest.mark.django_db
def test_seeded_usage_is_rolled_up_and_the_same_each_time():
    grow(days=2)
    before = list(UsageHour.objects.order_by("id").values_list("hour", "model", "calls", "cost_usd"))

    assert not StaleHour.objects.exists()
    assert check_hours(from_at=UsageRecord.objects.last().started_at, to_at=NOON) == []
    assert grow(days=2) == 0
    assert list(UsageHour.objects.order_by("id").values_list("hour", "model", "calls", "cost_usd")) == before
