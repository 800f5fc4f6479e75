"""A target on trial: giving an alias a canary, and ending the trial one way or the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from llmadmin.catalog import fields as take
from llmadmin.catalog.fields import Cleaner, clean, invalid
from llmadmin.core.errors import InvalidError
from llmadmin.routing.models import Alias, Strategy
from llmadmin.routing.services.targets import find_model

LARGEST_PERCENT = 99
_NONE: dict[str, Any] = {"canary_model": None, "canary_percent": None, "canary_params": None, "canary_since": None}

Targets = Sequence[Mapping[str, Any]]


def _share(value: Any) -> float:
    found: float = take.number(above=0, most=LARGEST_PERCENT)(value)
    return round(found, 3)


def _since(value: Any) -> Any:
    return None if value in (None, "") else take.moment(value)


_CLEANERS: dict[str, Cleaner] = {
    "model": find_model,
    "share_percent": _share,
    "params": take.json_object,
    "since": _since,
}


def columns_of(given: Any, alias: Alias | None = None) -> dict[str, Any]:
    """An alias's columns from `{"model", "share_percent", "params", "since"}`, or from None for no canary.

    Without `since` a trial begins now, and goes on where only its share changed. Raises InvalidError under `canary`.
    """
    if given in (None, {}):
        return dict(_NONE)
    if not isinstance(given, Mapping):
        raise invalid(
            {"canary": 'Give a model and its share, such as {"model": "openai/gpt-4.1", "share_percent": 5}.'}
        )
    try:
        values = clean(given, _CLEANERS, noun="A canary")
    except InvalidError as refused:
        raise invalid({f"canary.{path}": sentence for path, sentence in refused.fields.items()}) from None
    missing = {f"canary.{name}": "Is needed." for name in ("model", "share_percent") if name not in values}
    if missing:
        raise invalid(missing)
    model, params = values["model"], values.get("params", {})
    goes_on = alias is not None and alias.canary_model_id == model.pk and (alias.canary_params or {}) == params
    since = values.get("since") or (alias.canary_since if goes_on and alias else None)
    return {
        "canary_model": model,
        "canary_percent": values["share_percent"],
        "canary_params": params,
        "canary_since": since or timezone.now().replace(microsecond=0),
    }


def check_differs(canary: Mapping[str, Any] | None, targets: Targets) -> None:
    """Raise InvalidError where the canary is what a target is already: then both sides would be the same."""
    if canary is None:
        return
    for target in targets:
        if (target["model"], target["params"]) == (canary["model"], canary["params"]):
            sentence = (
                f"'{canary['model']}' is a target already, with the same parameters. Choose another model, or others."
            )
            raise invalid({"canary.model": sentence})


def promoted(strategy: str, targets: Targets, canary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets once the canary is promoted: it takes the first one's place and weight.

    By priority that one becomes the first fallback. Where calls are shared out it goes, since it would keep its share.
    """
    first = {
        "model": canary["model"],
        "weight": targets[0]["weight"] or 1 if targets else 1,
        "params": canary["params"],
    }
    rest = targets if strategy == Strategy.PRIORITY else targets[1:]
    return [first, *(dict(target) for target in rest if target["model"] != canary["model"])]


def require(alias: Alias) -> dict[str, Any]:
    """The alias's canary. Raises InvalidError where it has none."""
    if alias.canary is None:
        raise invalid({"canary": f"The alias '{alias.name}' has no canary: it was promoted or dropped already."})
    return alias.canary
