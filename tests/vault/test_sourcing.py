"""Keys that lie in the environment or in files: by the allow-list alone, for the address they were chosen for."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from llmadmin.accounts.actors import actor_of_person
from llmadmin.audit.services import acting
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.services import update_provider
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError
from llmadmin.vault.models import ApiKey
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_of
from llmadmin.vault.readiness import require_readable_keys
from llmadmin.vault.reencryption import begin, walk
from llmadmin.vault.selectors import get_key
from llmadmin.vault.services import add_key, rotate_key, update_key

TEXT, OTHER = "test-key-from-outside-0001", "test-key-from-outside-0002"


@pytest.fixture
def folder(tmp_path, settings, monkeypatch):
    """A folder of secrets and a variable, both on the allow-list."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "lab").write_text(f"{TEXT}\n")
    (tmp_path / "outside").write_text(OTHER)
    settings.KEY_SOURCES = f"env:LAB_*, file:{secrets}/*"
    monkeypatch.setenv("LAB_KEY", TEXT)
    monkeypatch.setenv("OTHER_KEY", OTHER)
    return secrets


def _opened(key):
    key = ApiKey.objects.get(pk=key.pk)
    return open_sealed(sealed_of(key), origin=origin_of(key.provider))


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_key_is_read_where_it_lies_and_shows_its_end_and_fingerprint(provider, folder, kind):
    ref = "env:LAB_KEY" if kind == "env" else f"file:{folder}/lab"

    key = add_key(provider, label="outside", source_ref=ref)

    assert _opened(key) == TEXT
    assert (key.source_ref, key.last4) == (ref, "0001")
    assert key.fingerprint == add_key(provider, label="pasted", api_key=TEXT).fingerprint
    assert TEXT not in str(ApiKey.objects.filter(pk=key.pk).values().get())


def test_a_file_is_read_again_when_it_changes(provider, folder):
    key = add_key(provider, label="outside", source_ref=f"file:{folder}/lab")
    assert _opened(key) == TEXT

    (folder / "new").write_text(OTHER)
    (folder / "new").replace(folder / "lab")

    assert _opened(key) == OTHER


@pytest.mark.parametrize(
    "ref",
    [
        *("env:OTHER_KEY", "env:LABKEY", "env:LAB_MISSING", "env:", "env:A B", "env:LAB_$(id)", "ENV:LAB_KEY"),
        *("file:{folder}/missing", "file:{folder}", "file:{folder}/../outside", "file:{outside}", "file:lab"),
        *(
            "file:/{folder}/lab",
            "file:{folder}/./lab",
            "file:{folder}/deeper/lab",
            "file:{folder}/lab\x00",
            "lab",
            "http://x",
        ),
    ],
)
def test_nothing_else_is_read(provider, folder, ref):
    (folder / "deeper").mkdir()
    (folder / "deeper" / "lab").write_text(OTHER)
    ref = ref.format(folder=folder, outside=folder.parent / "outside")

    with pytest.raises(InvalidError) as refusal:
        add_key(provider, label="outside", source_ref=ref)

    assert list(refusal.value.fields) == ["source_ref"]
    assert OTHER not in refusal.value.message
    assert not ApiKey.objects.exists()


def test_a_link_may_lead_within_its_folder_as_mounted_secrets_do_and_not_out_of_it(provider, folder):
    (folder / "..2026").mkdir()
    (folder / "..2026" / "mounted").write_text(TEXT)
    (folder / "mounted").symlink_to(folder / "..2026" / "mounted")
    (folder / "escape").symlink_to(folder.parent / "outside")

    assert _opened(add_key(provider, label="mounted", source_ref=f"file:{folder}/mounted")) == TEXT
    with pytest.raises(InvalidError, match="leads out of its folder"):
        add_key(provider, label="escape", source_ref=f"file:{folder}/escape")


def test_a_link_that_is_bent_later_is_not_followed_either(provider, folder):
    key = add_key(provider, label="outside", source_ref=f"file:{folder}/lab")
    (folder / "lab").unlink()
    (folder / "lab").symlink_to(folder.parent / "outside")

    with pytest.raises(UnreadableKeyError, match="leads out of its folder"):
        _opened(key)


@pytest.mark.parametrize(
    "content", [b"", b"two words", b"\xff\xfe", b"k" * 70_000], ids=["empty", "words", "bytes", "large"]
)
def test_what_is_no_key_is_refused_in_words(provider, folder, content):
    (folder / "odd").write_bytes(content)

    with pytest.raises(InvalidError) as refusal:
        add_key(provider, label="odd", source_ref=f"file:{folder}/odd")

    assert "source_ref" in refusal.value.fields


def test_llmadmins_own_secrets_are_never_given_out(provider, settings, monkeypatch):
    settings.KEY_SOURCES = f"env:*,file:{settings.DATA_DIR}/*"
    monkeypatch.setenv("LLMADMIN_ENCRYPTION_KEY", "k" * 43)
    (settings.DATA_DIR / "some.key").write_text(OTHER)

    for ref in (
        "env:LLMADMIN_ENCRYPTION_KEY",
        "env:llmadmin_secret_key",
        "env:DATABASE_URL",
        f"file:{settings.DATA_DIR}/some.key",
    ):
        with pytest.raises(InvalidError, match="not given out"):
            add_key(provider, label="own", source_ref=ref)


def test_without_an_allow_list_nothing_is_read(provider, folder, settings):
    settings.KEY_SOURCES = ""

    with pytest.raises(InvalidError, match="not in LLMADMIN_KEY_SOURCES"):
        add_key(provider, label="outside", source_ref="env:LAB_KEY")


def test_a_list_that_is_shortened_later_holds_for_keys_that_are_there(provider, folder, settings):
    key = add_key(provider, label="outside", source_ref="env:LAB_KEY")
    settings.KEY_SOURCES = f"file:{folder}/*"

    with pytest.raises(UnreadableKeyError, match="not in LLMADMIN_KEY_SOURCES"):
        _opened(key)


@pytest.mark.parametrize(
    "entry", ["LAB_KEY", "env:", "env:A-B", "file:secrets/*", "file:/a/*/b", "file:/a/../b", "env:A@nowhere"]
)
def test_g11_an_entry_that_cannot_be_meant_stops_the_start_and_is_named(db, settings, entry):
    settings.KEY_SOURCES = f"env:FINE_*,{entry}"

    with pytest.raises(ImproperlyConfigured, match="LLMADMIN_KEY_SOURCES") as refusal:
        require_readable_keys()

    assert entry in str(refusal.value)


def test_g10_an_entry_with_an_address_gives_its_keys_to_no_other(provider, folder, settings):
    settings.KEY_SOURCES = "env:LAB_KEY@https://api.openai.com"
    with pytest.raises(InvalidError, match="for another address"):
        add_key(provider, label="outside", source_ref="env:LAB_KEY")

    settings.KEY_SOURCES = "env:LAB_KEY@http://127.0.0.1:9000"
    assert _opened(add_key(provider, label="outside", source_ref="env:LAB_KEY")) == TEXT


def test_g10_only_owners_and_admins_send_the_servers_own_keys_where_no_entry_says(provider, folder, editor, settings):
    with acting(actor_of_person(editor)):
        with pytest.raises(ForbiddenError, match="Only owners and admins"):
            add_key(provider, label="outside", source_ref="env:LAB_KEY")

        settings.KEY_SOURCES = "env:LAB_KEY@http://127.0.0.1:9000"
        assert add_key(provider, label="outside", source_ref="env:LAB_KEY").last4 == "0001"


def test_g10_a_provider_that_moves_locks_a_key_that_lies_outside_too(provider, folder):
    key = add_key(provider, label="outside", source_ref="env:LAB_KEY")

    update_provider(provider, base_url="http://127.0.0.1:9001/v1")

    assert get_key(key.pk).state == "locked"
    with pytest.raises(UnreadableKeyError):
        _opened(key)
    assert update_key(key, source_ref="env:LAB_KEY", weight=2).state == "locked", (
        "sent back with the rest of the object"
    )
    assert rotate_key(key, source_ref="env:LAB_KEY").state == "active"
    assert _opened(key) == TEXT


@pytest.mark.parametrize(
    "change", [{"source_ref": "env:LAB_OTHER"}, {"origin": "http://127.0.0.1:9001"}, {"source_ref": ""}]
)
def test_g10_rewriting_the_row_behind_its_seal_opens_nothing(provider, folder, change, monkeypatch):
    monkeypatch.setenv("LAB_OTHER", OTHER)
    key = add_key(provider, label="outside", source_ref="env:LAB_KEY")
    ApiKey.objects.update(**change)

    with pytest.raises(UnreadableKeyError):
        open_sealed(sealed_of(get_key(key.pk)), origin=change.get("origin", key.origin))


def test_a_key_and_a_source_at_once_are_refused_and_one_takes_the_others_place(provider, folder):
    with pytest.raises(InvalidError, match="not both"):
        add_key(provider, label="outside", api_key=OTHER, source_ref="env:LAB_KEY")
    key = add_key(provider, label="outside", source_ref="env:LAB_KEY")

    assert update_key(key, api_key=OTHER).source_ref == ""
    assert _opened(key) == OTHER
    assert rotate_key(key, source_ref="env:LAB_KEY").source_ref == "env:LAB_KEY"
    with pytest.raises(ConflictError, match="taken up by itself"):
        rotate_key(key, source_ref="env:LAB_KEY")


def test_g07_where_a_key_lies_moves_to_the_new_encryption_key_like_any_text(provider, folder, settings):
    key = add_key(provider, label="outside", source_ref="env:LAB_KEY")
    settings.ENCRYPTION_KEYS = f"{'n' * 43},{settings.ENCRYPTION_KEYS}"

    run = walk(begin(by="somebody"))

    settings.ENCRYPTION_KEYS = "n" * 43
    assert (run.moved, run.unreadable_count) == (1, 0)
    assert _opened(key) == TEXT
    assert get_key(key.pk).fingerprint == add_key(provider, label="pasted", api_key=TEXT).fingerprint
