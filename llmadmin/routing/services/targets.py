"""An alias's targets as people give them, and as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmadmin.catalog import fields as take
from llmadmin.catalog.fields import FieldError, clean, invalid
from llmadmin.catalog.models import LanguageModel
from llmadmin.catalog.selectors import find_models
from llmadmin.core.errors import InvalidError
from llmadmin.routing.models import Alias, Target

MAX_TARGETS = 50
_CLEANERS = {"weight": take.whole(least=0, most=1000), "params": take.json_object}


@dataclass(frozen=True, slots=True)
class Aim:
    """One target before it is a row."""

    model: LanguageModel
    weight: int
    params: dict[str, Any]


def read_targets(given: Any) -> list[Aim]:
    """Targets from `[{"model": "provider/name" | LanguageModel, "weight": 1, "params": {}}]`; a bare name will do.

    Raises InvalidError with a sentence for each wrong part, under paths such as `targets.0.model`.
    """
    if not isinstance(given, list | tuple) or not given:
        raise invalid({"targets": "Give at least one target: a model, written provider/name."})
    if len(given) > MAX_TARGETS:
        raise invalid({"targets": f"Give at most {MAX_TARGETS} targets."})
    items = [item if isinstance(item, Mapping) else {"model": item} for item in given]
    models = find_models({item["model"] for item in items if isinstance(item.get("model"), str)})
    problems: dict[str, str] = {}
    aims = [_read(item, place, models=models, problems=problems) for place, item in enumerate(items)]
    found = [aim for aim in aims if aim is not None]
    _check_together(found, problems=problems)
    if problems:
        raise invalid(problems)
    return found


def _read(
    item: Mapping[str, Any], place: int, *, models: Mapping[str, LanguageModel], problems: dict[str, str]
) -> Aim | None:
    values: dict[str, Any] = {}
    try:
        rest = {name: value for name, value in item.items() if name != "model"}
        values = clean(rest, _CLEANERS, noun="A target")
    except InvalidError as refused:
        problems |= {f"targets.{place}.{path}": sentence for path, sentence in refused.fields.items()}
    try:
        model = _model(item.get("model"), models=models)
    except FieldError as problem:
        problems[f"targets.{place}.model"] = problem.sentence
        return None
    return Aim(model, values.get("weight", 1), values.get("params", {}))


def find_model(given: Any) -> LanguageModel:
    """The model that one target names. Raises FieldError."""
    return _model(given, models=find_models({given}) if isinstance(given, str) and given else {})


def _model(given: Any, *, models: Mapping[str, LanguageModel]) -> LanguageModel:
    if isinstance(given, LanguageModel):
        return given
    if not isinstance(given, str) or not given:
        raise FieldError("Name a model, written provider/name.")
    found = models.get(given)
    if found is not None:
        return found
    if Alias.objects.filter(name=given).exists():
        raise FieldError(f"'{given}' is itself an alias. A target is always a model: write provider/name.")
    raise FieldError(f"There is no model '{given}'. Add it to its provider first, or check the name (provider/name).")


def _check_together(aims: list[Aim], *, problems: dict[str, str]) -> None:
    seen = set()
    for place, aim in enumerate(aims):
        if aim.model.pk in seen:
            problems.setdefault(f"targets.{place}.model", f"'{aim.model}' is a target already. Name each model once.")
        seen.add(aim.model.pk)
    if aims and not problems and not any(aim.weight for aim in aims):
        problems["targets"] = "Give at least one target a weight above 0."


def shown(alias: Alias) -> list[dict[str, Any]]:
    """The alias's targets as the document and the audit log write them."""
    targets = Target.objects.filter(alias=alias).select_related("model__provider").order_by("position")
    return [{"model": one.model.full_name, "weight": one.weight, "params": one.params} for one in targets]


def shown_aims(aims: list[Aim]) -> list[dict[str, Any]]:
    return [{"model": aim.model.full_name, "weight": aim.weight, "params": aim.params} for aim in aims]


def replace_targets(alias: Alias, aims: list[Aim]) -> None:
    Target.objects.filter(alias=alias).delete()
    Target.objects.bulk_create(
        Target(alias=alias, model=aim.model, position=place, weight=aim.weight, params=aim.params)
        for place, aim in enumerate(aims)
    )
