"""The filters of the explorer. Every one of them is in the URL, and a URL that makes no sense is read as well as it can be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from llmadmin.console.errors.advice import ADVICE
from llmadmin.usage.models import Status

OUTCOMES = [
    ("", "Any outcome"),
    ("seen", "Failed for the caller"),
    ("absorbed", "Absorbed by retry or fallback"),
    *Status.choices,
]
NAMES = ("provider", "model", "alias", "agent", "service")


class FilterForm(forms.Form):
    """What to look for. `names` are what exists now; a name from the URL is kept, since records outlive their objects."""

    status = forms.ChoiceField(label="Outcome", required=False, choices=OUTCOMES)
    error_class = forms.ChoiceField(label="Error class", required=False)  # type: ignore[assignment]
    provider = forms.ChoiceField(required=False)
    model = forms.ChoiceField(required=False)
    alias = forms.ChoiceField(required=False)
    agent = forms.ChoiceField(required=False)
    service = forms.ChoiceField(required=False)
    min_cost = forms.DecimalField(label="Cost from ($)", required=False, min_value=Decimal(0), max_digits=20)
    min_latency = forms.FloatField(label="Latency from (ms)", required=False, min_value=0)
    unpriced = forms.BooleanField(label="Unpriced only", required=False)

    def __init__(self, *args: Any, names: dict[str, list[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in NAMES:
            asked = str(self.data.get(field, ""))[:264]
            known = dict.fromkeys([*names.get(field, []), *([asked] if asked else [])])
            self._choices(field, [("", f"Any {field}"), *((name, name) for name in known)])
        classes = [(name, advice.title) for name, advice in ADVICE.items()]
        self._choices("error_class", [("", "Any error class"), *classes])
        for name, placeholder in (("min_cost", "Cost from $"), ("min_latency", "Latency from ms")):
            self.fields[name].widget.attrs |= {"placeholder": placeholder, "step": "any", "inputmode": "decimal"}
        for name, shown in self.fields.items():
            shown.widget.attrs["aria-label"] = shown.label or name.capitalize()

    @property
    def given(self) -> dict[str, Any]:
        """The filters that are set and make sense."""
        if not self.is_bound:
            return {}
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None, False)}

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]
