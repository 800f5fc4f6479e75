"""Reading webhooks and their messages."""

from __future__ import annotations

import uuid

from django.db.models import OuterRef, QuerySet, Subquery

from llmadmin.alerts.models import Delivery, Webhook
from llmadmin.core.errors import MissingError


def webhooks() -> QuerySet[Webhook]:
    """Each with the state and moment of its last message, as `last_state` and `last_at`. One query."""
    last = Delivery.objects.filter(webhook=OuterRef("pk")).order_by("-created_at", "-id")
    return Webhook.objects.annotate(
        last_state=Subquery(last.values("state")[:1]), last_at=Subquery(last.values("created_at")[:1])
    ).order_by("label")


def get_webhook(webhook_id: uuid.UUID | str) -> Webhook:
    """Raises MissingError."""
    try:
        return Webhook.objects.get(pk=uuid.UUID(str(webhook_id)))
    except (Webhook.DoesNotExist, ValueError):
        raise MissingError("There is no such webhook.") from None


def deliveries(webhook: Webhook) -> QuerySet[Delivery]:
    return webhook.deliveries.order_by("-created_at", "-id")


def get_delivery(webhook: Webhook, delivery_id: uuid.UUID) -> Delivery:
    """Raises MissingError."""
    found = webhook.deliveries.filter(pk=delivery_id).first()
    if found is None:
        raise MissingError("There is no such message.")
    return found
