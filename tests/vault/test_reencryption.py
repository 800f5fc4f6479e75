import base64
import datetime as dt
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from llmadmin.audit.selectors import entries
from llmadmin.core.keyring import KeyRing
from llmadmin.operations.startup import StartRefusedError, prepare
from llmadmin.vault import reencryption
from llmadmin.vault.models import ApiKey, Reencryption
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.readiness import require_readable_keys
from llmadmin.vault.reencryption import begin, take_inventory, walk
from llmadmin.vault.services import add_key, rotate_key, unreadable_keys
from llmadmin.vault.tasks import resume_reencryption, walk_reencryption

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
    assert entries(action="rotate").get().after == {
        "key_id": KeyRing.from_text(NEW).current_key_id,
        "moved": 3,
        "unreadable": 0,
    }


def test_g07_a_killed_walk_goes_on_where_it_was(three_keys, monkeypatch):
    monkeypatch.setattr(reencryption, "BATCH", 1)

    def stop_after_the_first(run):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(begin(by="somebody"), on_progress=stop_after_the_first)
    half_way = reencryption.last_walk()
    assert (half_way.seen, half_way.moved, half_way.total, half_way.is_done) == (1, 1, 3, False)

    run = walk(begin(by="somebody else"))

    assert run.pk == half_way.pk
    assert (run.seen, run.moved, run.on_current, run.is_done) == (3, 3, 0, True)
    assert len(_plaintexts()) == 3


def test_g07_a_walk_whose_process_died_is_taken_over_by_one_of_all_who_see_it(three_keys):
    run = begin(by="a server that was killed")
    assert resume_reencryption() == 0

    Reencryption.objects.update(beat_at=run.beat_at - dt.timedelta(seconds=reencryption.SILENT_AFTER_S + 1))
    first, second = reencryption.silent_walks() + reencryption.silent_walks()
    assert [reencryption.take_over(first), reencryption.take_over(second)] == [True, False]

    Reencryption.objects.update(beat_at=run.beat_at - dt.timedelta(seconds=reencryption.SILENT_AFTER_S + 1))
    assert resume_reencryption() == 1
    assert reencryption.last_walk().is_done
    assert entries(action="rotate").get().actor_label == "re-encryption"


def test_g07_a_walk_in_the_background_counts_and_a_dry_one_writes_no_key(three_keys):
    before = list(ApiKey.objects.order_by("pk").values())
    dry = begin(by="somebody", is_dry_run=True)
    walk_reencryption(str(dry.pk))
    dry.refresh_from_db()

    assert (dry.seen, dry.moved, dry.is_done) == (3, 0, True)
    assert list(ApiKey.objects.order_by("pk").values()) == before
    assert not entries(action="rotate").exists()


def test_g07_how_many_rows_stand_on_which_key_is_one_query(three_keys, settings, django_assert_num_queries):
    rotate_key(ApiKey.objects.first(), api_key="test-key-just-entered")
    settings.ENCRYPTION_KEYS = NEW

    with django_assert_num_queries(1):
        found = reencryption.standings()

    new, old = (KeyRing.from_text(text).current_key_id for text in (NEW, OLD))
    assert [(one.key_id, one.rows, one.is_current, one.is_held) for one in found] == [
        (new, 1, True, True),
        (old, 2, False, False),
    ]


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


def test_g07_a_row_that_someone_saves_meanwhile_is_not_overwritten(three_keys, monkeypatch):
    """The walk has read the row and not yet written it when the save comes."""
    encrypt, saved = KeyRing.encrypt, []

    def saving_meanwhile(ring, text, *, bound_to):
        last = ApiKey.objects.order_by("pk").last()
        if not saved and str(last.pk).encode() in bound_to:
            saved.append(last)
            rotate_key(last, api_key="test-key-just-entered")
        return encrypt(ring, text, bound_to=bound_to)

    monkeypatch.setattr(KeyRing, "encrypt", saving_meanwhile)
    run = walk(begin(by="somebody"))

    assert (len(saved), run.moved) == (1, 2)
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
