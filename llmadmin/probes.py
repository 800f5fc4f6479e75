"""Alive, ready and degraded are three answers: `/healthz`, `/readyz`, and `/metrics` for Prometheus.

Ready means that calls can be answered. Without the database they still can, so that is degraded and no reason to take
the process out of service.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from llmadmin.core.exchange import Scope, Send, send_bytes, send_json
from llmadmin.gateway.admission import authenticate
from llmadmin.gateway.callers import ADMIN, READ_USAGE
from llmadmin.gateway.errors import GatewayError
from llmadmin.gateway.runtime import Runtime

_UNCACHED = [(b"cache-control", b"no-store")]


async def healthz(_scope: Scope, send: Send) -> None:
    """The process answers; nothing else is asked."""
    await send_json(send, 200, {"status": "alive"}, _UNCACHED)


async def readyz(_scope: Scope, send: Send) -> None:
    """Whether calls can be answered, and what is degraded."""
    status, report = readiness()
    await send_json(send, status, report, _UNCACHED)


def readiness() -> tuple[int, dict[str, Any]]:
    """The HTTP status and the report: `ready`, `degraded` (still 200) or `starting` (503), with reasons."""
    try:
        runtime = Runtime.current()
        snapshot = runtime.snapshot
    except GatewayError as error:
        return 503, {"status": "starting", "reasons": [error.message]}
    reasons = []
    if runtime.database_error:
        age_s = _age_s(runtime.confirmed_at)
        reasons.append(f"The database does not answer; the config was last confirmed {age_s:.0f} s ago.")
    if runtime.journal.lost:
        reasons.append(f"{runtime.journal.lost} usage lines could not be kept.")
    if runtime.journal.refused:
        reasons.append(f"{runtime.journal.refused} usage records were refused by the database; see refused.jsonl.")
    report = {
        "status": "degraded" if reasons else "ready",
        "reasons": reasons,
        "config_version": snapshot.version,
        "config_age_s": round(_age_s(runtime.confirmed_at), 1),
        "usage_waiting": runtime.journal.depth,
        "calls_in_flight": runtime.journal.in_flight,
    }
    return 200, report


async def metrics(scope: Scope, send: Send) -> None:
    """Prometheus figures. Names of providers and models are shown to keys with `usage:read` only."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(sees_names=_may_see_names(scope)))
    body = generate_latest(registry)
    await send_bytes(send, 200, body, [(b"content-type", CONTENT_TYPE_LATEST.encode()), *_UNCACHED])


def _may_see_names(scope: Scope) -> bool:
    try:
        grant = authenticate(scope, Runtime.current().snapshot)
    except GatewayError:
        return False
    caller = grant.caller
    return not caller.aliases and bool({ADMIN, READ_USAGE} & caller.scopes)


class _Figures:
    """The process's figures at the moment of the scrape."""

    def __init__(self, *, sees_names: bool) -> None:
        self._sees_names = sees_names

    def collect(self) -> Iterator[Metric]:
        status, _ = readiness()
        yield GaugeMetricFamily("llmadmin_ready", "1 when calls can be answered.", value=float(status == 200))
        if status != 200:
            return
        runtime = Runtime.current()
        journal = runtime.journal
        yield GaugeMetricFamily("llmadmin_config_version", "Config version in force.", value=runtime.snapshot.version)
        yield GaugeMetricFamily(
            "llmadmin_config_age_seconds", "Since the database last confirmed it.", value=_age_s(runtime.confirmed_at)
        )
        yield GaugeMetricFamily("llmadmin_calls_in_flight", "Calls that are open.", value=journal.in_flight)
        yield GaugeMetricFamily(
            "llmadmin_usage_waiting", "Settled calls on their way to the database.", value=journal.depth
        )
        yield CounterMetricFamily(
            "llmadmin_usage_lines_lost", "Usage lines that could not be kept.", value=journal.lost
        )
        yield self._calls(runtime)

    def _calls(self, runtime: Runtime) -> Metric:
        if not self._sees_names:
            family = CounterMetricFamily("llmadmin_calls", "Finished calls since the start.", labels=["status"])
            statuses = {status for _, _, status in runtime.tally}
            for status in sorted(statuses):
                family.add_metric([status], sum(n for (_, _, one), n in runtime.tally.items() if one == status))
            return family
        labels = ["provider", "model", "status"]
        family = CounterMetricFamily("llmadmin_calls", "Finished calls since the start.", labels=labels)
        for names, count in sorted(runtime.tally.items()):
            family.add_metric(list(names), count)
        return family


def _age_s(moment: datetime | None) -> float:
    return (datetime.now(UTC) - moment).total_seconds() if moment else 0.0
