"""A provider's form: its fields, and one for each option that the kind's folder declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from llmadmin.catalog.models import Provider
from llmadmin.console.forms import HeadersField, JSONObjectField, RevisionForm, SecretField
from providers.base.metadata import OptionField, ProviderMetadata

_OPTION = "option_"
_PLAIN = ("slug", "label", "base_url", "default_model", "timeout_s", "max_retries", "headers", "enabled")


class ProviderForm(RevisionForm):
    slug = forms.CharField(
        label="Name",
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="Stands before its models, as in name/model. Lower-case letters, digits, - and _.",
    )
    label = forms.CharField(label="Label", max_length=120, required=False, help_text="How pages call it.")
    base_url = forms.CharField(
        label="Base URL",
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    default_model = forms.CharField(
        label="Default model", max_length=200, required=False, widget=forms.TextInput(attrs={"class": "mono"})
    )
    timeout_s = forms.FloatField(
        label="Timeout, seconds", initial=60, widget=forms.NumberInput(attrs={"step": "any", "min": "0"})
    )
    max_retries = forms.IntegerField(
        label="Retries", initial=2, widget=forms.NumberInput(attrs={"min": "0", "max": "10"})
    )
    headers = HeadersField(
        label="Extra headers",
        help_text="Sent with every call, one a line. Keys don't belong here: they are stored under API keys.",
    )
    more_options = JSONObjectField(
        label="Other options", help_text="A JSON object, for options that have no field above."
    )
    enabled = forms.BooleanField(
        label="In use",
        required=False,
        initial=True,
        help_text="Switched off, it is passed over and its aliases go to their next target.",
    )

    def __init__(self, *args: Any, metadata: ProviderMetadata | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.metadata = metadata
        options = metadata.options if metadata else ()
        self.renames = {f"options.{one.name}": f"{_OPTION}{one.name}" for one in options} | {"options": "more_options"}
        for option in options:
            self.fields[f"{_OPTION}{option.name}"] = _field_of(option)
        if metadata and metadata.base_url:
            self.fields["base_url"].widget.attrs["placeholder"] = metadata.base_url
            self.fields["base_url"].help_text = f"Empty means {metadata.base_url}."
        elif metadata:
            self.fields["base_url"].required = True
            self.fields["base_url"].help_text = "The root of the server's API, such as http://127.0.0.1:8000/v1."
        if metadata and metadata.default_model:
            self.fields["default_model"].widget.attrs["placeholder"] = metadata.default_model

    def option_fields(self) -> list[BoundField]:
        return [self[name] for name in self.fields if name.startswith(_OPTION)]

    def values(self) -> dict[str, Any]:
        """What the services take."""
        given = self.cleaned_data
        options = dict(given["more_options"])
        for option in self.metadata.options if self.metadata else ():
            value = given.get(f"{_OPTION}{option.name}")
            if value not in (None, "", [], {}) and value != option.default:
                options[option.name] = value
        return {name: given[name] for name in _PLAIN} | {"options": options}


class NewProviderForm(ProviderForm):
    """The first key can be entered in the same step."""

    api_key = SecretField(label="API key", required=False)
    key_label = forms.CharField(label="Key's label", max_length=120, initial="main", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        credential = (
            next((one for one in self.metadata.credentials if one.name == "api_key"), None) if self.metadata else None
        )
        if credential:
            self.fields["api_key"].label = credential.label
            self.fields["api_key"].help_text = credential.help
            if credential.prefix:
                self.fields["api_key"].widget.attrs["placeholder"] = f"{credential.prefix}…"


def values_of(provider: Provider, metadata: ProviderMetadata | None) -> dict[str, Any]:
    """A provider as the form's initial values."""
    declared = {option.name for option in metadata.options} if metadata else set()
    options: Mapping[str, Any] = provider.options
    shown = {f"{_OPTION}{name}": _shown(value) for name, value in options.items() if name in declared}
    return (
        {name: getattr(provider, name) for name in _PLAIN}
        | shown
        | {
            "more_options": {name: value for name, value in options.items() if name not in declared},
            "revision": provider.revision,
        }
    )


def _shown(value: Any) -> Any:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value


class _ListField(forms.CharField):
    def clean(self, value: Any) -> Any:
        return [one.strip() for one in super().clean(value).split(",") if one.strip()]


class _JSONField(forms.CharField):
    widget = forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return json.loads(text) if text else None
        except (ValueError, RecursionError):
            raise ValidationError("This is not JSON.") from None


def _field_of(option: OptionField) -> forms.Field:
    common: dict[str, Any] = {
        "label": option.label,
        "help_text": option.help,
        "required": False,
        "initial": option.default,
    }
    makers: dict[str, Callable[[], forms.Field]] = {
        "url": lambda: forms.CharField(max_length=500, **common),
        "integer": lambda: forms.IntegerField(**common),
        "number": lambda: forms.FloatField(**common),
        "boolean": lambda: forms.BooleanField(**common),
        "choice": lambda: forms.ChoiceField(
            choices=[("", "Not set"), *((one, one) for one in option.choices)], **common
        ),
        "list": lambda: _ListField(max_length=2000, **common),
        "json": lambda: _JSONField(max_length=20_000, **common),
    }
    return makers.get(option.type, lambda: forms.CharField(max_length=1000, **common))()
