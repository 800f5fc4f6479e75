"""Plan: from a resolved name to the targets that may answer, with their keys, parameters and prices.

A plan depends on the snapshot and the name alone, so each is made once for a snapshot and used for every call.
"""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from llmadmin.gateway.snapshot import Snapshot
from llmadmin.gateway.stops import why_stopped
from providers.config import Resolution
from providers.router import Plan, PlannedTarget
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest

MAX_PLANS = 20_000


def plan_for(snapshot: Snapshot, resolution: Resolution, *, affinity: str | None = None) -> Plan:
    """The plan for what a caller asked for; targets whose provider can't be used are left out.

    Calls of equal `affinity` go to the same target and key as long as these are healthy.
    """
    plan = snapshot.plans.get(resolution.requested)
    if plan is None:
        plan = _make_plan(snapshot, resolution)
        if len(snapshot.plans) < MAX_PLANS:
            snapshot.plans[resolution.requested] = plan
    return replace(plan, affinity=affinity) if affinity else plan


def prompt_cache_key(request: ChatRequest | CompletionRequest | EmbeddingRequest) -> str | None:
    """OpenAI's `prompt_cache_key`: calls that share it have a prefix in common and belong to one prompt cache."""
    key = request.extra.get("prompt_cache_key")
    return key if isinstance(key, str) else None


def _make_plan(snapshot: Snapshot, resolution: Resolution) -> Plan:
    targets = []
    for target in resolution.targets:
        provider = snapshot.provider_for(target.provider, target.base_url)
        if provider is None or why_stopped(snapshot, target.provider) is not None:
            continue
        model = snapshot.config.models.get(target.name)
        targets.append(
            PlannedTarget(
                provider=provider,
                provider_name=target.provider,
                model=target.model,
                params=target.params,
                headers=resolution.headers,
                keys=snapshot.keys_for(provider, target.provider, headers=resolution.headers),
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
