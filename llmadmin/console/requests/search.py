"""What the explorer's URL asks for, as filters of the usage records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from llmadmin.accounts import selectors as accounts
from llmadmin.catalog import selectors as catalog
from llmadmin.console.periods import Period
from llmadmin.core.paging import Page, keyset_page
from llmadmin.routing import selectors as routing
from llmadmin.usage.dimensions import SEEN
from llmadmin.usage.models import Attempt, UsageRecord
from llmadmin.usage.selectors import records
from llmadmin.usage.selectors.records import ORDER, STATEMENT_LIMIT_MS, statement_limit

SIZE = 50
_OUTCOMES: dict[str, Any] = {"seen": list(SEEN), "absorbed": "recovered"}
_RENAMED = {"min_cost": "min_cost_usd", "min_latency": "min_latency_ms"}


def find(
    given: Mapping[str, Any], *, period: Period, tried: Mapping[str, str], cursor: str | None
) -> Page[UsageRecord]:
    """One page of calls. `tried` asks for calls of which one try failed: `error_class` and `provider` of that try."""
    filters = {_RENAMED.get(name, name): value for name, value in given.items()}
    if "status" in filters:
        filters["status"] = _OUTCOMES.get(filters["status"], filters["status"])
    found = records(from_at=period.from_at, to_at=period.to_at, **filters)
    if tried:
        failed = Attempt.objects.filter(record=OuterRef("pk"), status="error", **tried)
        found = found.filter(Exists(failed))
    with statement_limit(STATEMENT_LIMIT_MS):
        return keyset_page(found, order=ORDER, cursor=cursor, size=SIZE)


def known_names() -> dict[str, list[str]]:
    """What the filters offer: the names that the configuration knows now; five queries."""
    return {
        "provider": list(catalog.providers().values_list("slug", flat=True)),
        "model": [f"{slug}/{name}" for slug, name in catalog.models().values_list("provider__slug", "name")],
        "alias": list(routing.aliases().values_list("name", flat=True)),
        "agent": list(routing.agents().values_list("name", flat=True)),
        "service": list(accounts.services().values_list("name", flat=True)),
    }
