"""A key opens only in its own row, at its own provider, for the origin it was entered for."""

import pytest

from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.services import create_provider, update_provider
from llmadmin.core.errors import ConflictError
from llmadmin.vault.models import ApiKey
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_of, sealed_rows
from llmadmin.vault.selectors import get_key
from llmadmin.vault.services import add_key, set_state, update_key

PLAINTEXT = "test-key-alpha-0001"


@pytest.fixture
def key(provider):
    return add_key(provider, label="main", api_key=PLAINTEXT)


def test_g10_a_key_does_not_open_for_another_origin(key):
    with pytest.raises(UnreadableKeyError, match="Enter it again") as refusal:
        open_sealed(sealed_of(key), origin="https://evil.example:443")

    assert PLAINTEXT not in str(refusal.value)


def test_g10_rewriting_the_origin_column_does_not_help(key):
    ApiKey.objects.update(origin="https://evil.example:443")

    with pytest.raises(UnreadableKeyError, match="can't be read"):
        open_sealed(sealed_of(get_key(key.pk)), origin="https://evil.example:443")


def test_g10_a_ciphertext_moved_to_another_row_or_provider_does_not_open(key, act):
    other = create_provider(slug="other", kind="local", base_url="http://127.0.0.1:9000/v1")
    second = add_key(key.provider, label="second", api_key="test-key-beta-0002")
    third = add_key(other, label="third", api_key="test-key-gamma-0003")

    ApiKey.objects.filter(pk__in=[second.pk, third.pk]).update(ciphertext=key.ciphertext)
    ApiKey.objects.filter(pk=key.pk).update(provider=other)

    for moved in (key, second, third):
        with pytest.raises(UnreadableKeyError, match="can't be read"):
            open_sealed(sealed_of(get_key(moved.pk)), origin=key.origin)


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://127.0.0.1:9001/v1"},
        {"base_url": "https://127.0.0.1:9000/v1"},
        {"base_url": "http://evil.example:9000/v1"},
        {"headers": {"x-portkey-custom-host": "https://evil.example"}},
    ],
    ids=["port", "scheme", "host", "routing header"],
)
def test_g10_pointing_a_provider_elsewhere_locks_its_keys(key, provider, act, change):
    update_provider(provider, **change)

    locked = get_key(key.pk)
    assert locked.state == "locked"
    assert locked.state_reason.startswith("Entered for http://127.0.0.1:9000, provider now points to ")
    assert locked.revision == 2
    assert sealed_rows() == []
    assert [note.action for note in act.notes if note.object_type == "key"] == ["create", "lock"]
    with pytest.raises(UnreadableKeyError):
        open_sealed(sealed_of(locked), origin=origin_of(locked.provider))


def test_another_path_at_the_same_origin_locks_nothing(key, provider):
    update_provider(provider, base_url="http://127.0.0.1:9000/other/v1", label="Lab")

    assert get_key(key.pk).state == "active"


def test_g10_a_locked_key_is_unlocked_by_entering_it_and_by_nothing_else(key, provider):
    update_provider(provider, base_url="http://127.0.0.1:9001/v1")

    for state in ("active", "draining", "disabled", "failed"):
        with pytest.raises(ConflictError, match="nter it again"):
            set_state(key, state)
    update_key(key, weight=3, label="still locked")
    assert get_key(key.pk).state == "locked"

    update_key(key, api_key="test-key-beta-0002")

    (sealed,) = sealed_rows()
    assert get_key(key.pk).state_reason == ""
    assert open_sealed(sealed, origin="http://127.0.0.1:9001") == "test-key-beta-0002"


def test_g10_pointing_back_does_not_unlock_by_itself(key, provider):
    moved = update_provider(provider, base_url="http://127.0.0.1:9001/v1")

    update_provider(moved, base_url="http://127.0.0.1:9000/v1")

    assert get_key(key.pk).state == "locked"


def test_g10_a_disabled_key_is_locked_too_so_that_enabling_it_sends_nothing_elsewhere(key, provider):
    set_state(key, "disabled")

    update_provider(provider, base_url="http://127.0.0.1:9001/v1")

    with pytest.raises(ConflictError):
        set_state(key, "active")


def test_only_the_moved_providers_keys_are_locked(key, provider, act):
    other = create_provider(slug="other", kind="local", base_url="http://127.0.0.1:9000/v1")
    untouched = add_key(other, label="main", api_key="test-key-beta-0002")

    update_provider(provider, base_url="http://127.0.0.1:9001/v1")

    assert get_key(untouched.pk).state == "active"


@pytest.mark.parametrize("state", ["active", "draining"])
def test_g10_no_state_brings_a_key_into_use_that_was_entered_for_elsewhere(key, provider, state):
    """Also where nothing locked it, since a row was changed past the services."""
    set_state(key, "disabled")
    type(provider).objects.update(base_url="http://127.0.0.1:9001/v1")

    with pytest.raises(ConflictError, match=r"was entered for http://127\.0\.0\.1:9000"):
        set_state(key, state)

    assert get_key(key.pk).state == "disabled"
    assert set_state(key, "failed").state == "failed"
