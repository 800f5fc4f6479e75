"""An alias's form with its chain of targets. The rows come as parallel lists in the order in which they stand on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from llmadmin.console.forms import JSONObjectField, MomentField, RevisionForm
from llmadmin.core.errors import DomainError
from llmadmin.routing.models import AfterSunset, Alias, Strategy
from llmadmin.routing.services.retirement import has_own_note

STRATEGY_WORDS: dict[str, str] = {
    Strategy.PRIORITY: "The first target answers; the next ones only when those before it fail.",
    Strategy.WEIGHTED: "Calls are shared out by weight; the others are fallbacks.",
    Strategy.ROUND_ROBIN: "Each call goes to the next target in turn.",
    Strategy.LEAST_LATENCY: "The target that answered fastest lately.",
    Strategy.CHEAPEST: "The target with the lowest price.",
}
MAX_ROWS = 60
_NAMES = ("name", "description", "strategy", "params", "cache_ttl_s")
_RETIREMENT = ("deprecated", "replacement", "sunset_at", "after_sunset")


@dataclass(slots=True)
class TargetRow:
    """One row of the chain editor as typed."""

    model: str = ""
    weight: str = "1"
    params: str = ""
    error: str = ""


class AliasForm(RevisionForm):
    name = forms.CharField(
        label="Name",
        max_length=128,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="What callers send as model. Dots and slashes are fine: sonnet-3.7, team/fast.",
    )
    description = forms.CharField(label="Description", max_length=300, required=False)
    strategy = forms.ChoiceField(label="Strategy", choices=Strategy.choices, initial=Strategy.PRIORITY)
    params = JSONObjectField(
        label="Parameters for every call",
        rows=3,
        help_text='A JSON object such as {"temperature": 0.2}. What a caller sends wins.',
    )
    cache_ttl_s = forms.IntegerField(
        label="Keep answers for, seconds", initial=0, min_value=0, help_text="0: every call goes to a model."
    )
    deprecated = forms.CharField(
        label="Note for callers",
        max_length=300,
        required=False,
        help_text="Anything here, in the next field or in the one after makes the alias deprecated. It goes on answering.",
    )
    replacement = forms.CharField(
        label="Replacement",
        max_length=128,
        required=False,
        widget=forms.TextInput(
            attrs={"class": "mono", "list": "alias-options", "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text="The alias to use instead. Callers read it in every answer's headers.",
    )
    sunset_at = MomentField(label="Sunset", help_text="When it ends, in your time zone.")
    after_sunset = forms.ChoiceField(label="From then on", choices=AfterSunset.choices, required=False)

    def __init__(self, data: QueryDict | None = None, *, rows: list[TargetRow] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.rows = _rows_in(data) if data is not None else (rows or [TargetRow()])

    def values(self) -> dict[str, Any]:
        found = {name: self.cleaned_data[name] for name in (*_NAMES, *_RETIREMENT)}
        return found | {"after_sunset": found["after_sunset"] or AfterSunset.ANSWER.value, "targets": self.targets}

    def clean(self) -> dict[str, Any]:
        """Read the rows too; the services judge the models and weights."""
        self.targets: list[dict[str, Any]] = []
        for row in self.rows:
            self.targets.append({"model": row.model, "weight": _weight(row), "params": _params(row)})
        if any(row.error for row in self.rows):
            self.add_error(None, "Mend the marked targets.")
        return self.cleaned_data

    def add_domain_error(self, problem: DomainError) -> None:
        """`targets.2.model` belongs to the third row; what publishing refused stands under `aliases.` and the name."""
        rest: dict[str, str] = {}
        for given, sentence in problem.fields.items():
            path = given.removeprefix(f"aliases.{self.cleaned_data.get('name', '')}.")
            parts = path.split(".")
            if parts[0] == "targets" and len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < len(self.rows):
                self.rows[int(parts[1])].error = sentence
            else:
                rest[path] = sentence
        if any(row.error for row in self.rows):
            self.add_error(None, "Nothing was saved. Mend the marked targets.")
        if rest or not problem.fields:
            super().add_domain_error(type(problem)(problem.message, fields=rest))


def rows_of(alias: Alias) -> list[TargetRow]:
    return [
        TargetRow(
            target.model.full_name,
            str(target.weight),
            json.dumps(target.params, ensure_ascii=False) if target.params else "",
        )
        for target in alias.targets.all()
    ]


def values_of(alias: Alias) -> Mapping[str, Any]:
    values = {name: getattr(alias, name) for name in (*_NAMES, *_RETIREMENT, "revision")}
    return values if has_own_note(alias) else values | {"deprecated": ""}


def _rows_in(data: QueryDict) -> list[TargetRow]:
    """Rows without a model are left out: the editor always offers an empty one."""
    models, weights, params = (data.getlist(f"target_{name}")[:MAX_ROWS] for name in ("model", "weight", "params"))
    rows = [
        TargetRow(
            model.strip(),
            weights[place].strip() if place < len(weights) else "1",
            params[place] if place < len(params) else "",
        )
        for place, model in enumerate(models)
    ]
    return [row for row in rows if row.model] or [TargetRow()]


def _weight(row: TargetRow) -> int:
    try:
        return int(row.weight or 1)
    except ValueError:
        row.error = "Give the weight as a whole number."
        return 1


def _params(row: TargetRow) -> Any:
    try:
        found = json.loads(row.params) if row.params.strip() else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        row.error = row.error or 'Write the parameters as a JSON object, such as {"temperature": 0.2}.'
        return {}
    return found
