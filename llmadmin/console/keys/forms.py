"""An API key's form. The key itself goes in and never comes back."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.console.forms import MomentField, RevisionForm, SecretField
from llmadmin.vault.models import ApiKey

ENVIRONMENTS = ("production", "staging", "development")


class KeyForm(RevisionForm):
    label = forms.CharField(label="Label", max_length=120, help_text="Tells this key from the provider's others.")
    environment = forms.CharField(
        label="Environment", max_length=32, initial="production", widget=forms.TextInput(attrs={"list": "environments"})
    )
    weight = forms.IntegerField(
        label="Weight", initial=1, help_text="A key of weight 3 takes three times the calls of one of weight 1.",
        widget=forms.NumberInput(attrs={"min": "1", "max": "1000"}),
    )  # fmt: skip
    expires_at = MomentField(label="Expires", help_text="From then on it is not used any more.")

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("label", "environment", "weight", "expires_at")}


class NewKeyForm(KeyForm):
    api_key = SecretField(
        label="API key", help_text="Stored encrypted; nobody sees it again, only its last four characters."
    )
    field_order = ["api_key", "label", "environment", "weight", "expires_at"]

    def values(self) -> dict[str, Any]:
        return super().values() | {"api_key": self.cleaned_data["api_key"]}


class RotateForm(RevisionForm):
    api_key = SecretField(
        label="New API key", help_text="Takes the old one's place at once. Calls under way keep the old one."
    )


def values_of(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ("label", "environment", "weight", "expires_at", "revision")}
