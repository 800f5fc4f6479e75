"""Obeying the switches: who may not call now, which targets are left, and when a stream on its way has to end."""

from __future__ import annotations

from typing import Any

from llmadmin.gateway.callers import Caller
from llmadmin.gateway.errors import GatewayError
from llmadmin.gateway.snapshot import Snapshot
from providers.config import Resolution
from providers.errors import LLMProviderServiceError
from providers.router import Attempt

_FINAL = {"x-should-retry": "false"}
STOPPED = "stopped"


def check_running(caller: Caller, snapshot: Snapshot) -> None:
    """Raise a 503 where everything is stopped, a 403 where this service is; each says why, in the words of who did it."""
    stops = snapshot.stops
    if stops.everything is not None:
        raise _refusal(503, f"All calls are stopped: {stops.everything}")
    if caller.service in stops.services:
        raise _refusal(403, f"The service '{caller.service}' is stopped: {stops.services[caller.service]}")


def is_stopped(caller: Caller, snapshot: Snapshot) -> str | None:
    """Why this caller may call nothing now, or None where it may."""
    stops = snapshot.stops
    return stops.everything if stops.everything is not None else stops.services.get(caller.service)


def check_has_target(snapshot: Snapshot, resolution: Resolution) -> None:
    """Raise a 503 where switches have left no target of a name. To be asked once its plan turned out empty."""
    reasons = {target.provider: why for target in resolution.targets if (why := why_stopped(snapshot, target.provider))}
    if reasons:
        said = "; ".join(f"{provider}: {why}" for provider, why in reasons.items())
        raise _refusal(503, f"Every target of '{resolution.requested}' is stopped. {said}")


def why_stopped(snapshot: Snapshot, provider: str) -> str | None:
    """Why nothing may be sent to `provider` now: it is stopped, or each of its keys is. None where something may."""
    stops = snapshot.stops
    if provider in stops.providers:
        return stops.providers[provider]
    held = [stops.keys.get(str(key.id)) for key in snapshot.sealed.get(provider, ())] if stops.keys else []
    return held[0] if held and None not in held else None


def ends_now(caller: Caller, attempts: list[Attempt], snapshot: Snapshot) -> LLMProviderServiceError | None:
    """The error that a stream ends with where a switch has stopped its service, its provider or its key meanwhile."""
    last = attempts[-1] if attempts else None
    if last is None or not snapshot.stops.covers(service=caller.service, provider=last.provider, key_id=last.key_id):
        return None
    return LLMProviderServiceError(
        "The stream was stopped by an administrator.", provider=last.provider, code=STOPPED, retryable=False
    )


def mark_stopped(document: dict[str, Any], snapshot: Snapshot, caller: Caller) -> dict[str, Any]:
    """The document as a service sees it: a provider that it may not call says why, and lists no keys; nor are stopped keys listed."""
    everywhere = is_stopped(caller, snapshot)
    marked = {}
    for slug, provider in document["providers"].items():
        why = everywhere if everywhere is not None else why_stopped(snapshot, slug)
        keys = [key for key in provider["keys"] if why is None and key["id"] not in snapshot.stops.keys]
        marked[slug] = {**provider, "keys": keys} | ({} if why is None else {STOPPED: why})
    return {**document, "providers": marked}


def _refusal(status: int, sentence: str) -> GatewayError:
    return GatewayError(status, sentence, kind="stopped", code=STOPPED, headers=_FINAL)
