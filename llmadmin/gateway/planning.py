"""Plan: from a resolved name to the targets that may answer, with their keys, parameters and prices.

A plan depends on the snapshot and the name alone, so each is made once for a snapshot and used for every call.
"""

from __future__ import annotations

from django.conf import settings

from llmadmin.gateway.snapshot import Snapshot
from providers.config import Resolution
from providers.router import Plan, PlannedTarget

MAX_PLANS = 20_000


def plan_for(snapshot: Snapshot, resolution: Resolution) -> Plan:
    """The plan for what a caller asked for; targets whose provider can't be used are left out."""
    plan = snapshot.plans.get(resolution.requested)
    if plan is None:
        plan = _make_plan(snapshot, resolution)
        if len(snapshot.plans) < MAX_PLANS:
            snapshot.plans[resolution.requested] = plan
    return plan


def _make_plan(snapshot: Snapshot, resolution: Resolution) -> Plan:
    targets = []
    for target in resolution.targets:
        provider = snapshot.provider_for(target.provider, target.base_url)
        if provider is None:
            continue
        model = snapshot.config.models.get(target.name)
        targets.append(
            PlannedTarget(
                provider=provider,
                provider_name=target.provider,
                model=target.model,
                params=target.params,
                headers=resolution.headers,
                keys=snapshot.keys_for(provider, target.provider),
                weight=target.weight,
                context_window=model.context_window if model else None,
                price=model.price if model else None,
            )
        )
    return Plan(
        targets=tuple(targets),
        strategy=resolution.strategy,
        deadline_s=settings.CALL_DEADLINE_S,
        requested=resolution.requested,
    )
