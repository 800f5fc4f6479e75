"""What is found here as JSON: the same for REST and for the live path."""

from __future__ import annotations

from typing import Any

from llmadmin.impact.comparing import Comparison, SideFigures
from llmadmin.impact.explaining import Explanation, Step
from llmadmin.impact.touching import Impact, Touched
from llmadmin.usage.money import money_text
from providers.document import plain_number, write_price, write_time

MAX_ROWS = 500


def impact_json(impact: Impact) -> dict[str, Any]:
    """What a change touches. Lists hold the dearest `MAX_ROWS`; `counts` says how many there are."""
    lists = {"aliases": impact.aliases, "agents": impact.agents, "services": impact.services}
    return {
        "object": impact.kind,
        "name": impact.name,
        "from": write_time(impact.from_at),
        "to": write_time(impact.to_at),
        "counts": {name: len(rows) for name, rows in lists.items()},
        **{name: [_touched_json(row) for row in rows[:MAX_ROWS]] for name, rows in lists.items()},
        "services_that_may": impact.open_services,
        "total": {
            "calls": impact.calls,
            "errors": impact.errors,
            "unpriced_calls": impact.unpriced_calls,
            "cost_usd": money_text(impact.cost_usd),
        },
    }


def _touched_json(row: Touched) -> dict[str, Any]:
    return {
        "name": row.name,
        "configured": row.is_configured,
        "calls": row.calls,
        "errors": row.errors,
        "unpriced_calls": row.unpriced_calls,
        "cost_usd": money_text(row.cost_usd),
    }


def explanation_json(found: Explanation) -> dict[str, Any]:
    """How a name resolves, step by step."""
    document: dict[str, Any] = {
        "kind": found.kind,
        "agent": found.agent,
        "alias": found.alias,
        "strategy": found.strategy,
        "without": found.outage.names,
        "answered": found.is_answered,
        "steps": [_step_json(step) for step in found.steps],
    }
    if found.canary is not None:
        canary = {"share_percent": plain_number(found.canary_percent), "since": write_time(found.canary_since)}
        document["canary"] = canary | _step_json(found.canary)
    return document


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "model": step.name,
        "role": step.role,
        "why": step.why,
        "share": step.share,
        "health": {"state": step.circuit, "reason": step.circuit_reason},
        "keys": [{"id": key.id, "label": key.label, "state": key.state, "reason": key.reason} for key in step.keys],
        "params": [{"name": one.name, "value": one.value, "source": one.source} for one in step.parameters],
        "context_window": step.context_window,
        "price": write_price(step.price) if step.price else None,
    }


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Both sides of a canary and what can be said of them."""
    return {
        "since": write_time(found.since),
        "canary": _side_json(found.canary),
        "stable": _side_json(found.stable),
        "verdicts": [
            {"what": one.what, "canary_is": one.tone, "sureness": one.sureness, "sentence": one.sentence}
            for one in found.verdicts
        ],
    }


def _side_json(side: SideFigures) -> dict[str, Any]:
    return {
        "calls": side.calls,
        "errors": side.errors,
        "fallbacks": side.fallbacks,
        "unpriced_calls": side.unpriced_calls,
        "latency_ms_p50": side.latency_ms_p50,
        "latency_ms_p95": side.latency_ms_p95,
        "ttft_ms_p50": side.ttft_ms_p50,
        "ttft_ms_p95": side.ttft_ms_p95,
        "cost_per_call_usd": money_text(side.cost_per_call_usd),
        "is_cut": side.is_cut,
    }
