import base64
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from llmadmin.audit.selectors import entries
from llmadmin.core.keyring import KeyRing
from llmadmin.operations.startup import StartRefusedError, prepare
from llmadmin.vault.models import ApiKey
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.readiness import require_readable_keys
from llmadmin.vault.reencryption import reencrypt, take_inventory
from llmadmin.vault.services import add_key, rotate_key, unreadable_keys

OLD, NEW, LOST = (base64.urlsafe_b64encode(name * 8).decode() for name in (b"old key", b"new key", b"lost key"))


@pytest.fixture
def three_keys(provider, settings):
    """Three keys, stored under OLD; the ring now holds NEW before OLD."""
    settings.ENCRYPTION_KEYS = OLD
    for number in range(3):
        add_key(provider, label=f"key {number}", api_key=f"test-key-number-{number}")
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"


def _run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("rotate_encryption_key", *arguments, stdout=out, stderr=err)
    return out.getvalue()


def _plaintexts():
    return [open_sealed(sealed, origin=sealed.origin) for sealed in sealed_rows()]


def test_g07_a_dry_run_counts_and_changes_nothing(three_keys):
    before = list(ApiKey.objects.values())

    assert "3 API keys would be re-encrypted, 0 are on the current key" in _run("--dry-run")

    assert list(ApiKey.objects.values()) == before
    assert not entries(action="rotate").exists()


def test_g07_afterwards_the_old_key_is_not_needed_any_more(three_keys, settings):
    assert "3 API keys re-encrypted" in _run()

    settings.ENCRYPTION_KEYS = NEW
    assert _plaintexts() == [f"test-key-number-{number}" for number in range(3)]
    assert set(ApiKey.objects.values_list("encryption_key_id", flat=True)) == {KeyRing.from_text(NEW).current_key_id}
    assert set(ApiKey.objects.values_list("fingerprint", flat=True)) == {
        KeyRing.from_text(NEW).fingerprint(f"test-key-number-{number}") for number in range(3)
    }
    assert entries(action="rotate").get().after == {"moved": 3}


def test_g07_it_can_be_stopped_and_resumed(three_keys):
    def stop_after_the_first(inventory):
        if inventory.moved == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reencrypt(on_progress=stop_after_the_first)

    inventory = reencrypt()
    assert (inventory.on_current, inventory.on_old, inventory.moved) == (1, 2, 2)
    assert len(_plaintexts()) == 3


def test_g07_an_unreadable_row_is_reported_and_never_overwritten(three_keys, provider, settings):
    settings.ENCRYPTION_KEYS = LOST
    lost = add_key(provider, label="lost", api_key="test-key-of-long-ago")
    before = bytes(ApiKey.objects.get(pk=lost.pk).ciphertext)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"

    with pytest.raises(CommandError, match="1 API keys can't be read and were left as they are"):
        _run()

    assert bytes(ApiKey.objects.get(pk=lost.pk).ciphertext) == before
    assert [key.label for key in unreadable_keys()] == ["lost"]
    inventory = take_inventory()
    assert (inventory.on_current, inventory.on_old, len(inventory.unreadable)) == (3, 0, 1)


def test_a_row_that_someone_saves_meanwhile_is_not_overwritten(three_keys):
    def save_the_last_one(inventory):
        last = ApiKey.objects.order_by("pk").last()
        if inventory.moved == 1 and last.revision == 1:
            rotate_key(last, api_key="test-key-just-entered")

    inventory = reencrypt(on_progress=save_the_last_one)

    assert inventory.moved == 2
    assert "test-key-just-entered" in _plaintexts()


def test_g11_a_key_that_opens_nothing_stops_the_start_with_a_sentence(three_keys, settings):
    settings.ENCRYPTION_KEYS = LOST

    with pytest.raises(ImproperlyConfigured, match="opens none of the 3 stored API keys") as refusal:
        require_readable_keys()

    assert KeyRing.from_text(OLD).current_key_id in str(refusal.value)
    with pytest.raises(StartRefusedError, match="opens none of the 3 stored API keys"):
        prepare(host="127.0.0.1", port=8000)


def test_g11_a_key_that_opens_some_lets_the_server_start_and_says_how_many_it_does_not(three_keys, provider, settings):
    settings.ENCRYPTION_KEYS = LOST
    add_key(provider, label="fresh", api_key="test-key-fresh-0001")

    assert require_readable_keys() == 3


def test_g11_an_empty_vault_lets_the_server_start(db, settings):
    settings.ENCRYPTION_KEYS = LOST

    assert require_readable_keys() == 0
