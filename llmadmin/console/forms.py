"""What every form of the console shares: services decide what is valid; their sentences land on the fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from llmadmin.core.errors import DomainError


class ConsoleForm(forms.Form):
    """A form whose errors come from the services below it, by the names of its fields.

    `renames` maps a service's field to the form's where the two differ.
    """

    use_required_attribute = False
    is_stale = False
    unheeded: Sequence[str] = ()
    """What would not work once this is saved: told first, and saved when asked for again."""
    renames: Mapping[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if field.error_messages.get("required") == forms.Field.default_error_messages["required"]:
                field.error_messages["required"] = "Fill this in."

    def add_domain_error(self, problem: DomainError) -> None:
        """Put each sentence on its field, or at the top where the form has no such field."""
        for path, sentence in problem.fields.items():
            name = self._field_for(path)
            self.add_error(name, sentence if name else f"{path}: {sentence}")
        if not problem.fields:
            self.add_error(None, problem.message)

    def _field_for(self, path: str) -> str | None:
        whole = self.renames.get(path, path)
        first = self.renames.get(path.split(".", maxsplit=1)[0], path.split(".", maxsplit=1)[0])
        return next((name for name in (whole, first) if name in self.fields), None)


def offer(form: forms.Form, name: str, choices: Iterable[tuple[str, str]]) -> None:
    """Give a choice field what can be chosen now."""
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = list(choices)


class RevisionForm(ConsoleForm):
    """A form over an existing object: it knows the revision that its reader saw."""

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)


class JSONObjectField(forms.CharField):
    """A JSON object typed by hand; empty is `{}`. Errors say where it breaks."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 100_000)
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": rows, "class": "mono", "spellcheck": "false", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return {}
        try:
            found = json.loads(text)
        except ValueError as problem:
            place = (
                f" (line {problem.lineno}, column {problem.colno})" if isinstance(problem, json.JSONDecodeError) else ""
            )
            raise ValidationError(f'This is not JSON{place}. Write an object such as {{"name": "value"}}.') from None
        except RecursionError:
            raise ValidationError("This is nested too deeply.") from None
        if not isinstance(found, dict):
            raise ValidationError('Write a JSON object such as {"name": "value"}.')
        return found


class HeadersField(forms.CharField):
    """HTTP headers, one a line, as `Name: value`."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 20_000)
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": 2, "class": "mono", "spellcheck": "false", "placeholder": "X-Team: lab"}

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {held}" for name, held in value.items()) if isinstance(value, Mapping) else value

    def clean(self, value: Any) -> Any:
        headers: dict[str, str] = {}
        for number, line in enumerate(super().clean(value).splitlines(), start=1):
            name, colon, held = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip():
                raise ValidationError(f"Line {number} is no header. Write each as Name: value.")
            headers[name.strip()] = held.strip()
        return headers


class SecretField(forms.CharField):
    """A key that is pasted and never shown again: what was typed is not put back into the page."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 8192)
        kwargs.setdefault(
            "error_messages",
            {"max_length": "This is too long for a key: it has at most 8192 characters. Paste the key alone."},
        )
        kwargs.setdefault(
            "widget",
            forms.PasswordInput(
                render_value=False,
                attrs={
                    "autocomplete": "off",
                    "spellcheck": "false",
                    "class": "mono",
                    "data-1p-ignore": "",
                    "data-lpignore": "true",
                },
            ),
        )
        super().__init__(**kwargs)


class MomentField(forms.DateTimeField):
    """A moment in the viewer's time zone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))
        kwargs.setdefault("input_formats", ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"])
        super().__init__(**kwargs)
