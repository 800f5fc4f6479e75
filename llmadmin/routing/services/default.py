"""Changing what runs when a caller names nothing."""

from __future__ import annotations

from llmadmin.audit.services import note
from llmadmin.catalog.fields import invalid
from llmadmin.catalog.ownership import require_own
from llmadmin.catalog.selectors import find_models
from llmadmin.routing.models import Alias, DefaultModel
from llmadmin.routing.selectors import get_default

NOUN = "default"
NAME = "default_model"


def set_default(name: str | None, *, source: str = "ui") -> None:
    """Make an alias, else a model written `provider/name`, the default; None or "" leaves none. Raises InvalidError."""
    held = get_default()
    before = held.target_name if held else None
    wanted = name or None
    if before == wanted and (held is None or held.source == source):
        return
    if held is not None:
        require_own(held, noun="default", called="the default model")
    if wanted is None:
        DefaultModel.objects.all().delete()
    else:
        alias = Alias.objects.filter(name=wanted).first()
        model = None if alias else find_models({wanted}).get(wanted)
        if alias is None and model is None:
            raise invalid(
                {"default_model": f"There is no alias or model '{wanted}'. Name an alias, or a model as provider/name."}
            )
        DefaultModel.objects.update_or_create(pk=1, defaults={"alias": alias, "model": model, "source": source})
    note(
        "update",
        NOUN,
        NAME,
        before={"target": before, "source": held.source if held else None},
        after={"target": wanted, "source": source},
    )
