"""The filters of the audit log. Every one of them is in the URL, and a URL that makes no sense is read as well as it can be."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from llmadmin.audit.selectors import EntryFilter

OBJECTS = (
    *("provider", "key", "model", "price", "alias", "agent", "default", "service", "service key"),
    *("team", "person", "session", "second factor", "sign-in rules", "webhook", "encryption key"),
    *("config", "secrets", "permission", "scope", "everything", "database", "audit"),
)
ACTIONS = (
    *("create", "update", "delete", "issue", "rotate", "revoke", "lock", "fail", "recover", "test"),
    *("start_rotation", "switch", "retire", "cancel_rotation", "stop", "restart", "redeliver"),
    *("take over", "give back", "invite", "withdraw", "disable", "enable", "end"),
    *("sign-in", "sign-out", "lock-out", "read_secrets", "reveal", "refused"),
    *("export", "backup", "restore", "prune"),
)


class AuditFilterForm(forms.Form):
    """What to look for. A kind or an act that the lists don't know is kept, since entries outlive what they are about."""

    actor = forms.CharField(label="Who", required=False, max_length=254)
    name = forms.CharField(label="Object's name", required=False, max_length=300)
    type = forms.ChoiceField(label="Kind of object", required=False)
    action = forms.ChoiceField(label="Act", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    request_id = forms.CharField(label="Request id", required=False, max_length=64)
    version = forms.IntegerField(label="Version", required=False, min_value=1, max_value=2**31 - 1)
    refused = forms.BooleanField(label="Refused only", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, first, known in (("type", "Any object", OBJECTS), ("action", "Any act", ACTIONS)):
            asked = str(self.data.get(field, ""))[:32]
            names = dict.fromkeys([*known, *([asked] if asked else [])])
            choices = [("", first), *((name, name.replace("_", " ")) for name in names)]
            self.fields[field].choices = choices  # type: ignore[attr-defined]
        for name, shown in self.fields.items():
            shown.widget.attrs |= {"aria-label": shown.label, "autocomplete": "off"}
            if name in ("actor", "name", "request_id"):
                shown.widget.input_type = "search"
                shown.widget.attrs |= {"placeholder": shown.label, "class": "filter-search"}
        self.fields["version"].widget.attrs |= {"placeholder": "Version", "inputmode": "numeric"}

    @property
    def given(self) -> dict[str, Any]:
        """The filters that are set and make sense."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None, False)}

    @property
    def wanted(self) -> EntryFilter:
        """Days are the viewer's own, the last of them included."""
        given = self.given
        until = given.get("until")
        return EntryFilter(
            by=given.get("actor", ""),
            object=given.get("type", ""),
            name=given.get("name", ""),
            action=given.get("action", ""),
            request_id=given.get("request_id", ""),
            version=given.get("version"),
            refused=given.get("refused"),
            from_at=_midnight(given.get("since")),
            to_at=_midnight(until + dt.timedelta(days=1) if until and until < dt.date.max else None),
            is_loose=True,
        )


def _midnight(day: dt.date | None) -> dt.datetime | None:
    if day is None or not 1 < day.year < dt.MAXYEAR:
        return None
    return dt.datetime.combine(day, dt.time.min, tzinfo=timezone.get_current_timezone())
