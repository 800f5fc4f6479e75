"""The state of each provider for the strip in the top bar and the provider pages: can it be called, and does it answer?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.utils import timezone

from llmadmin.catalog.kinds import find_kind
from llmadmin.catalog.models import Provider
from llmadmin.limits.selectors import active_stops
from llmadmin.usage.models import UsageHour
from llmadmin.vault.models import KeyState

_LOOK_BACK = dt.timedelta(hours=2)
_FEWEST_CALLS = 5
_DEGRADED_FROM, _DOWN_FROM = 0.05, 0.5
_FAULTS_OF_CALLERS = ("invalid_request",)


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """`state` is one of `ready healthy degraded down no key disabled stopped`; `reason` says why, in words."""

    slug: str
    title: str
    kind: str
    state: str
    reason: str


def providers_health() -> list[ProviderHealth]:
    """Every provider's state, by slug, in three queries."""
    rows = Provider.objects.annotate(
        usable_keys=Count("api_keys", filter=Q(api_keys__state__in=(KeyState.ACTIVE, KeyState.DRAINING)))
    ).order_by("slug")
    calls = _recent_calls()
    stops = active_stops()
    return [
        _health_of(
            row,
            row.usable_keys,
            *calls.get(row.slug, (0, 0)),
            why_stopped=stops.everything or stops.providers.get(row.slug, ""),
        )
        for row in rows
    ]


def _recent_calls() -> dict[str, tuple[int, int]]:
    """Provider → calls and failed calls of the last hours, from the rollup."""
    since = timezone.now() - _LOOK_BACK
    rows = UsageHour.objects.filter(hour__gte=since).values("provider")
    failed = Q(status="error") & ~Q(error_class__in=_FAULTS_OF_CALLERS)
    totals = rows.annotate(total=Sum("calls"), failed=Sum("calls", filter=failed))
    return {row["provider"]: (row["total"] or 0, row["failed"] or 0) for row in totals}


def _health_of(provider: Provider, usable_keys: int, calls: int, failed: int, *, why_stopped: str) -> ProviderHealth:
    if why_stopped:
        state, reason = "stopped", f"Stopped by a switch: {why_stopped}"
    else:
        state, reason = _state(provider, usable_keys, calls, failed)
    return ProviderHealth(provider.slug, provider.title, provider.kind, state, reason)


def _state(provider: Provider, usable_keys: int, calls: int, failed: int) -> tuple[str, str]:
    if not provider.enabled:
        return "disabled", "Switched off in its settings."
    if not usable_keys and needs_key(provider.kind):
        return "no key", "It has no active API key, so calls to it fail."
    if calls < _FEWEST_CALLS:
        return "ready", "Can be called; too few calls in the last two hours to judge."
    share = failed / calls
    words = f"{failed} of {calls} calls failed in the last two hours."
    if share >= _DOWN_FROM:
        return "down", words
    return ("degraded", words) if share >= _DEGRADED_FROM else ("healthy", words)


def needs_key(kind: str) -> bool:
    """Whether providers of this kind answer only with a key; an unknown kind is taken to need one."""
    metadata = find_kind(kind)
    return metadata is None or metadata.needs_key
