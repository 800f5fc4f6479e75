"""An API key's form. The key itself goes in and never comes back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from llmadmin.catalog.models import Provider
from llmadmin.catalog.selectors import models_of
from llmadmin.console.forms import ConsoleForm, MomentField, RevisionForm, SecretField
from llmadmin.vault.models import ApiKey

ENVIRONMENTS = ("production", "staging", "development")
FIELDS = (*("label", "environment", "weight", "expires_at", "allowed_models", "calls_per_minute", "tokens_per_minute"),)
_QUIET_S = (
    ("", "I retire it by hand"),
    ("900", "after 15 quiet minutes"),
    ("3600", "after 1 quiet hour"),
    ("86400", "after 1 quiet day"),
)


class NamesField(forms.CharField):
    """Names of models, one a line; empty is all of them. `provider` is whose they must be."""

    widget = forms.Textarea
    provider: Provider | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=50_000, **kwargs)
        self.widget.attrs |= {"rows": 3, "class": "mono", "spellcheck": "false", "placeholder": "all models"}

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        names = [line.strip() for line in super().clean(value).replace(",", "\n").splitlines() if line.strip()]
        if names and self.provider is not None:
            known = {model.name for model in models_of(self.provider)}
            missing = [name for name in names if name not in known]
            if missing:
                raise ValidationError(
                    f"{self.provider.slug} has no model {missing[0][:100]!r} here. Add it first, or leave it out."
                )
        return names


class KeyForm(RevisionForm):
    label = forms.CharField(label="Label", max_length=120, help_text="Tells this key from the provider's others.")
    environment = forms.CharField(
        label="Environment", max_length=32, initial="production", widget=forms.TextInput(attrs={"list": "environments"})
    )
    weight = forms.IntegerField(
        label="Weight", initial=1, help_text="A key of weight 3 takes three times the calls of one of weight 1.",
        widget=forms.NumberInput(attrs={"min": "1", "max": "1000"}),
    )  # fmt: skip
    expires_at = MomentField(
        label="Expires", help_text="From that second on it is not used. You are reminded 30, 7 and 1 days before."
    )
    allowed_models = NamesField(
        label="Only for these models", help_text="One a line. Empty: for all models of this provider."
    )
    calls_per_minute = forms.IntegerField(
        label="Calls a minute",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.NumberInput(attrs={"placeholder": "no limit"}),
    )
    tokens_per_minute = forms.IntegerField(
        label="Tokens a minute",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.NumberInput(attrs={"placeholder": "no limit"}),
        help_text="At a limit, calls take another key; without one they go to the alias's next target.",
    )

    def __init__(self, *args: Any, provider: Provider, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = self.fields["allowed_models"]
        if isinstance(names, NamesField):
            names.provider = provider

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in FIELDS}


class SourceForm(ConsoleForm):
    """A key, or where it lies: the second is offered only where this server's allow-list has an entry."""

    api_key = SecretField(label="API key", required=False)
    source_ref = forms.CharField(
        label="Or where it lies on the server",
        max_length=500,
        required=False,
        widget=forms.TextInput(
            attrs={
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "placeholder": "env:NAME or file:/path",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.KEY_SOURCES:
            allowed = ", ".join(part.strip() for part in settings.KEY_SOURCES.split(","))
            self.fields["source_ref"].help_text = f"Allowed here: {allowed}. A file is read again when it changes."
        else:
            del self.fields["source_ref"]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given.get("api_key") and not given.get("source_ref") and not self.errors:
            self.add_error("api_key", "Paste the key that the provider gave you.")
        return given

    def source(self) -> dict[str, str]:
        return {name: self.cleaned_data.get(name) or "" for name in ("api_key", "source_ref")}


class NewKeyForm(KeyForm, SourceForm):
    field_order = ["api_key", "source_ref", *FIELDS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].help_text = "Stored encrypted; nobody sees it again, only its last four characters."

    def values(self) -> dict[str, Any]:
        return super().values() | self.source()


class RotateForm(RevisionForm, SourceForm):
    """Another key straight in this one's place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].label = "New API key"
        self.fields["api_key"].help_text = "Takes the old one's place at once. Calls under way keep the old one."


class RotationForm(SourceForm):
    """The new key of a rotation in steps; what is not asked is as the old key has it."""

    label = forms.CharField(
        label="Its label", max_length=120, required=False, help_text="Left empty, the old one's with a number."
    )
    expires_at = MomentField(label="It expires")
    retires_after_s = forms.ChoiceField(
        label="Retire the old key",
        choices=_QUIET_S,
        required=False,
        help_text="Quiet means that no call has used it since the switch.",
    )
    field_order = ["api_key", "source_ref", "label", "expires_at", "retires_after_s"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].label = "New API key"
        self.fields["api_key"].help_text = "It is stored and tested; calls go on with the old one until you switch."

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        quiet_s = int(given["retires_after_s"]) if given["retires_after_s"] else None
        return self.source() | {"label": given["label"], "expires_at": given["expires_at"], "retires_after_s": quiet_s}


def values_of(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in (*FIELDS, "revision")}
