"""The overview page, in a bounded number of queries on the rollup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from llmadmin.usage.histogram import Histogram, percentile
from llmadmin.usage.selectors.costs import change_of
from llmadmin.usage.selectors.health import ProviderHealth, absorbed_tries, provider_health
from llmadmin.usage.selectors.latency import merged
from llmadmin.usage.selectors.timeline import CHARTED, Timeline, local_midnight, timeline
from llmadmin.usage.selectors.totals import Totals, hours, sum_by

DAY = timedelta(days=1)


@dataclass(slots=True)
class Period:
    """A span up to now beside the same hours before it. `change` is that of the cost: 0.25 is a quarter more."""

    label: str
    from_at: datetime
    to_at: datetime
    totals: Totals
    previous: Totals

    @property
    def change(self) -> float | None:
        return change_of(self.totals, self.previous)


@dataclass(slots=True)
class TopAlias:
    name: str
    totals: Totals


@dataclass(slots=True)
class OverviewFigures:
    """`absorbed_tries` and the latencies are those of the last 24 hours; `spend` is 30 days by provider."""

    today: Period
    week: Period
    month: Period
    day: Period
    absorbed_tries: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    ttft_ms_p50: float | None
    ttft_ms_p95: float | None
    spend: Timeline
    health: list[ProviderHealth]
    top_aliases: list[TopAlias]

    @property
    def has_calls(self) -> bool:
        return bool(self.month.totals.calls or self.month.previous.calls)


def overview_figures(now: datetime, *, zone: tzinfo = UTC, top: int = 8) -> OverviewFigures:
    """Everything that the overview shows; seven queries, whatever the number of rows."""
    spans = {"day": (now - DAY, now - DAY, now - 2 * DAY)}
    for name, days in (("today", 1), ("week", 7), ("month", 30)):
        # Whole days of the viewer, today among them, as the cost page counts them: one set of totals for both.
        begin = local_midnight(now, zone=zone, days_back=days - 1)
        spans[name] = (begin, now - days * DAY, local_midnight(now, zone=zone, days_back=2 * days - 1))
    periods = {name: Period(name, begin, now, Totals(), Totals()) for name, (begin, _, _) in spans.items()}
    for (hour,), totals in sum_by(hours(from_at=spans["month"][2], to_at=now), keys=("hour",), of=CHARTED):
        for name, (begin, previous_end, previous_begin) in spans.items():
            if hour >= begin:
                periods[name].totals += totals
            elif previous_begin <= hour < previous_end:
                periods[name].previous += totals
    last_day = hours(from_at=now - DAY, to_at=now)
    latency = _only(merged(last_day))
    ttft = _only(merged(last_day, column="ttft_histogram"))
    return OverviewFigures(
        **periods,
        absorbed_tries=absorbed_tries(from_at=now - DAY, to_at=now),
        latency_ms_p50=percentile(latency, 0.5),
        latency_ms_p95=percentile(latency, 0.95),
        ttft_ms_p50=percentile(ttft, 0.5),
        ttft_ms_p95=percentile(ttft, 0.95),
        spend=timeline(
            from_at=local_midnight(now, zone=zone, days_back=29), to_at=now, interval="day", by="provider", zone=zone
        ),
        health=provider_health(now),
        top_aliases=top_aliases(from_at=now - 7 * DAY, to_at=now, top=top),
    )


def top_aliases(*, from_at: datetime, to_at: datetime, top: int = 8) -> list[TopAlias]:
    """The aliases with the highest spend, calls breaking ties; one query."""
    rows = hours(from_at=from_at, to_at=to_at).exclude(alias="")
    found = [TopAlias(values[0], totals) for values, totals in sum_by(rows, keys=("alias",))]
    return sorted(found, key=lambda one: (-one.totals.cost_usd, -one.totals.calls, one.name))[:top]


def _only(histograms: dict[tuple[object, ...], Histogram]) -> Histogram:
    return histograms.get((), {})
