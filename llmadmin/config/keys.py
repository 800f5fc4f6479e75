"""What happens to API keys when the tables are brought to a state: nothing that could lose one unasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmadmin.catalog.fields import moment
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.config.pairing import pair
from llmadmin.config.places import under
from llmadmin.config.state import FIELDS, Entry, brief, is_same, key_values, whole
from llmadmin.core.errors import InvalidError
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.expected import expect_key
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.services import add_key, delete_key, set_state, update_key


class KeyKeeper:
    """Keys towards their entries in a state; `secrets` are plaintexts by `slug/label`."""

    def __init__(self, secrets: Mapping[str, str], *, keeps: bool, awaits: bool, reason: str) -> None:
        self._secrets = secrets
        self._keeps = keeps
        self._awaits = awaits
        self._reason = reason

    def reach(
        self, rows: Sequence[ApiKey], desired: Mapping[str, Entry], providers: Mapping[str, Provider]
    ) -> list[Entry]:
        """Make and change keys; a deleted one comes back only where its text is given. Answers which got another text."""
        entered = []
        for name, entry, row in pair(desired, rows):
            slug, _, label = name.partition("/")
            provider = providers.get(slug)
            if provider is None:
                continue
            with under(f"providers.{slug}.keys.{label}"):
                if row is None:
                    self._make(name, label, provider, whole("keys", entry))
                else:
                    entered += self._change(name, label, row, whole("keys", entry))
        return entered

    def remove(self, rows: Sequence[ApiKey], desired: Mapping[str, Entry]) -> None:
        """Keys that the state does not have: deleted, or put out of use where they are to be kept."""
        known = {row.pk for _, _, row in pair(desired, rows) if row is not None}
        for row in rows:
            if row.pk in known:
                continue
            if not self._keeps:
                delete_key(row)
            elif row.state in (KeyState.ACTIVE, KeyState.DRAINING):
                set_state(row, KeyState.DISABLED, reason=self._reason)

    def _make(self, name: str, label: str, provider: Provider, entry: Entry) -> None:
        text, ref = self._secrets.get(name, ""), entry["source_ref"]
        fields = _settable(entry)
        if text:
            add_key(provider, label=label, api_key=text, source=entry["source"], state=_first_state(entry), **fields)
        elif self._awaits and ref:
            self._make_from_source(label, provider, entry)
        elif self._awaits:
            expect_key(provider, label=label, source=entry["source"], **fields)

    def _make_from_source(self, label: str, provider: Provider, entry: Entry) -> None:
        """A key that lies where this server may not or can't read it waits, and says why."""
        fields, ref, source = _settable(entry), entry["source_ref"], entry["source"]
        try:
            add_key(provider, label=label, source_ref=ref, source=source, state=_first_state(entry), **fields)
        except InvalidError as refused:
            if "source_ref" not in refused.fields:
                raise
            expect_key(provider, label=label, source=source, source_ref=ref, reason=refused.message, **fields)

    def _change(self, name: str, label: str, row: ApiKey, entry: Entry) -> list[Entry]:
        text = self._secrets.get(name, "")
        if not text and _is_as(row, label, entry):
            return []
        row.refresh_from_db()
        is_new = bool(text) and not self._holds(row, text)
        before = row.last4
        new_ref = entry["source_ref"] if self._awaits and not text and entry["source_ref"] != row.source_ref else None
        row = update_key(row, api_key=text if is_new else None, source_ref=new_ref, label=label, **_settable(entry))
        self._restore_state(row, entry)
        return [_entered(name, before, row.last4)] if is_new else []

    def _restore_state(self, row: ApiKey, entry: Entry) -> None:
        """A locked key opens only when it is entered again, and no state says otherwise."""
        wanted = entry["state"]
        if row.intended_state == wanted or KeyState.LOCKED in (row.state, wanted):
            return
        if wanted in (KeyState.ACTIVE, KeyState.DRAINING) and row.origin != origin_of(row.provider):
            return
        set_state(row, wanted, reason=entry["state_reason"])

    def _holds(self, row: ApiKey, text: str) -> bool:
        is_same_text = row.fingerprint == KeyRing.from_settings().fingerprint(text.strip())
        return is_same_text and row.state not in (KeyState.LOCKED, KeyState.FAILED)


def _is_as(row: ApiKey, label: str, entry: Entry) -> bool:
    held = whole("keys", brief("keys", key_values(row)))
    return row.label == label and is_same(held, {name: entry[name] for name in FIELDS["keys"]})


def _settable(entry: Entry) -> Entry:
    """What people set of a key, as the vault's services take it."""
    names = ("environment", "weight", "allowed_models", "calls_per_minute", "tokens_per_minute")
    expires_at = moment(entry["expires_at"]) if entry["expires_at"] else None
    return {name: entry[name] for name in names} | {"expires_at": expires_at}


def _first_state(entry: Entry) -> str:
    """A key that is made comes into use as a file says; other states are made by people."""
    return str(KeyState.DRAINING if entry["state"] == KeyState.DRAINING else KeyState.ACTIVE)


def _entered(name: str, before: str, after: str) -> Entry:
    return {"object": "key", "name": name, "op": "update", "before": {"last4": before}, "after": {"last4": after}}
