"""Talking to a provider from a page: through the live layer, in this request's thread."""

from __future__ import annotations

from asgiref.sync import async_to_sync

from llmadmin.catalog.models import Provider
from llmadmin.gateway.checks import check_provider, listed_by_provider
from llmadmin.vault.models import ApiKey
from providers.types import HealthReport, ModelInfo

_STEPS = (
    ("address", "Address"),
    ("dns", "Host found"),
    ("refused", "Connected"),
    ("tls", "Secure"),
    ("timeout", "Answered"),
    ("key", "Key accepted"),
    ("upstream", "Answer understood"),
)
_PLACE_OF = {name: place for place, (name, _) in enumerate(_STEPS)} | {"model": len(_STEPS) - 1}


def progress(report: HealthReport) -> list[tuple[str, str]]:
    """(`passed`, `failed` or `untried`, words) for each step of the test, in order. A refused address fails before all others."""
    failed_at = _PLACE_OF.get(report.step, len(_STEPS))
    return [
        ("passed" if place < failed_at else "failed" if place == failed_at else "untried", words)
        for place, (_, words) in enumerate(_STEPS)
    ]


def check(provider: Provider, *, key: ApiKey | None = None) -> HealthReport:
    """One free call with `key`, else a stored one. Never raises for the provider's failure: the report says which step failed."""
    return async_to_sync(check_provider)(provider, key=key)


def offered(provider: Provider) -> list[ModelInfo]:
    """The provider's own list of models, by name. Raises ConflictError in words."""
    return sorted(async_to_sync(listed_by_provider)(provider), key=lambda info: info.name)
