"""Forms of models and their prices."""

from __future__ import annotations

from typing import Any, get_args

from django import forms

from llmadmin.catalog.models import LanguageModel
from llmadmin.console.forms import ConsoleForm, JSONObjectField, MomentField, RevisionForm, offer
from providers.base.metadata import Capability

CAPABILITIES = [(name, name) for name in get_args(Capability) if name not in ("stream", "models")]
METERS = {
    "input_usd_per_mtok": "Input",
    "cached_input_usd_per_mtok": "Cached input",
    "cache_write_usd_per_mtok": "Cache write",
    "output_usd_per_mtok": "Output",
    "reasoning_usd_per_mtok": "Reasoning",
}


def _rate(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, max_digits=30, decimal_places=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip


class PriceForm(ConsoleForm):
    effective_from = MomentField(label="Holds from", help_text="Empty means now. Past records keep their cost.")
    input_usd_per_mtok = _rate("Input")
    cached_input_usd_per_mtok = _rate("Cached input")
    cache_write_usd_per_mtok = _rate("Cache write")
    output_usd_per_mtok = _rate("Output")
    reasoning_usd_per_mtok = _rate("Reasoning")

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ModelForm(RevisionForm):
    name = forms.CharField(
        label="Model's name",
        max_length=200,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="As the provider writes it in its API.",
    )
    context_window = forms.IntegerField(label="Context window, tokens", required=False, min_value=1)
    max_output_tokens = forms.IntegerField(label="Longest output, tokens", required=False, min_value=1)
    capabilities = forms.MultipleChoiceField(
        label="Capabilities", required=False, choices=CAPABILITIES, widget=forms.CheckboxSelectMultiple
    )
    parameters = JSONObjectField(
        label="Parameters", help_text='Defaults for calls as a JSON object, such as {"temperature": 0.2}.'
    )
    enabled = forms.BooleanField(
        label="In use", required=False, initial=True, help_text="Switched off, no call goes to it."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {name for name, _ in CAPABILITIES}
        others = [one for one in (self.initial.get("capabilities") or ()) if one not in known]
        offer(self, "capabilities", [*CAPABILITIES, *((one, one) for one in others)])

    def values(self) -> dict[str, Any]:
        names = ("name", "context_window", "max_output_tokens", "capabilities", "parameters", "enabled")
        return {name: self.cleaned_data[name] for name in names}


def values_of(model: LanguageModel) -> dict[str, Any]:
    names = ("name", "context_window", "max_output_tokens", "capabilities", "parameters", "enabled", "revision")
    return {name: getattr(model, name) for name in names}
