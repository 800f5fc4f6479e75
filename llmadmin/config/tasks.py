"""What happens to the config by itself: a price comes into force."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from llmadmin.accounts.actors import system_actor
from llmadmin.catalog.models import Price
from llmadmin.config.models import ConfigVersion
from llmadmin.config.services import publish


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def publish_due_prices() -> int | None:
    """Publish prices whose moment came since the version in force. Two short queries when there are none.

    Returns the new version, or None. Safe to repeat and to run twice at once.
    """
    newest = ConfigVersion.objects.order_by("-number").values_list("published_at", flat=True).first()
    due = Price.objects.filter(effective_from__lte=timezone.now(), model__enabled=True, model__provider__enabled=True)
    if newest is None or not due.filter(effective_from__gt=newest).exists():
        return None
    made = publish(by=system_actor("price dates"), why="A price came into force")
    return made.version if made.did_publish else None
