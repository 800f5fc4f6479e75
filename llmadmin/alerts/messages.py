"""What a webhook is told, as JSON. It says what changed by name; whoever may see more reads the version over REST."""

from __future__ import annotations

from datetime import datetime

import orjson

from llmadmin.alerts.models import Delivery
from llmadmin.config.models import ConfigVersion

PUBLISHED = "config.published"
TEST = "webhook.test"
MAX_CHANGES = 200


def body_of(delivery: Delivery) -> bytes:
    """The message's body. It is made anew for each try and comes out the same: a version never changes."""
    if delivery.event == TEST:
        data: dict[str, object] = {"label": delivery.webhook.label}
    else:
        data = _published(delivery.version or 0)
    return orjson.dumps({"type": delivery.event, "timestamp": _time(delivery.created_at), "data": data})


def _published(number: int) -> dict[str, object]:
    version = ConfigVersion.objects.defer("document", "restore_state").filter(pk=number).first()
    if version is None:
        return {"version": number}
    changes = [{name: one[name] for name in ("object", "name", "op")} for one in version.changes[:MAX_CHANGES]]
    return {
        "version": version.number,
        "hash": version.hash,
        "published_at": _time(version.published_at),
        "by": version.actor_label,
        "why": version.why,
        "changes": changes,
        "changes_total": len(version.changes),
    }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
