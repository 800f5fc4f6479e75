"""Plan: from a resolved name to the targets that may answer, with their keys, parameters and prices.

A plan depends on the snapshot and the name alone, so each is made once for a snapshot and used for every call; only the
side of a canary is drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings

from llmadmin.gateway.snapshot import Snapshot
from llmadmin.gateway.stops import why_stopped
from providers.canary import take_side
from providers.config import Resolution, ResolvedTarget
from providers.router import Plan, PlannedTarget
from providers.types import ChatRequest, CompletionRequest, EmbeddingRequest

MAX_PLANS = 20_000


def plan_for(snapshot: Snapshot, resolution: Resolution, *, affinity: str | None = None) -> Plan:
    """The plan of one call, on its side of a canary; targets whose provider can't be used are left out.

    Calls of equal `affinity` go to the same target and key as long as these are healthy, and stay on one side.
    """
    plan = standing_plan(snapshot, resolution)
    return take_side(replace(plan, affinity=affinity) if affinity else plan)


def standing_plan(snapshot: Snapshot, resolution: Resolution) -> Plan:
    """What all plans for this name have in common, before a call's affinity and side."""
    plan = snapshot.plans.get(resolution.requested)
    if plan is None:
        plan = _make_plan(snapshot, resolution)
        if len(snapshot.plans) < MAX_PLANS:
            snapshot.plans[resolution.requested] = plan
    return plan


def prompt_cache_key(request: ChatRequest | CompletionRequest | EmbeddingRequest) -> str | None:
    """OpenAI's `prompt_cache_key`: calls that share it have a prefix in common and belong to one prompt cache."""
    key = request.extra.get("prompt_cache_key")
    return key if isinstance(key, str) else None


def _make_plan(snapshot: Snapshot, resolution: Resolution) -> Plan:
    headers, canary = resolution.headers, resolution.canary
    planned = [_make_target(snapshot, target, headers) for target in resolution.targets]
    return Plan(
        targets=tuple(target for target in planned if target is not None),
        strategy=resolution.strategy,
        deadline_s=settings.CALL_DEADLINE_S,
        requested=resolution.requested,
        canary=_make_target(snapshot, canary.target, headers) if canary else None,
        canary_percent=canary.share_percent if canary else 0.0,
    )


def _make_target(snapshot: Snapshot, target: ResolvedTarget, headers: Mapping[str, str]) -> PlannedTarget | None:
    """The target with its provider and keys, or None where its provider is gone or stopped."""
    provider = snapshot.provider_for(target.provider, target.base_url)
    if provider is None or why_stopped(snapshot, target.provider) is not None:
        return None
    model = snapshot.config.models.get(target.name)
    keys = snapshot.keys_for(provider, target.provider, model=target.model, headers=headers)
    return PlannedTarget(
        provider=provider,
        provider_name=target.provider,
        model=target.model,
        params=target.params,
        headers=headers,
        keys=keys,
        weight=target.weight,
        context_window=model.context_window if model else None,
        price=model.price if model else None,
        no_key="" if keys else snapshot.why_no_key(target.provider, target.model),
    )
