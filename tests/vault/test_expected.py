"""Keys that a config file named without their text."""

import pytest

from llmadmin.core.errors import ConflictError
from llmadmin.vault.expected import expect_key
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.readiness import require_readable_keys
from llmadmin.vault.reencryption import take_inventory
from llmadmin.vault.services import set_state, update_key


@pytest.fixture
def waiting(provider):
    return expect_key(provider, label="from the file")


def test_a_waiting_key_is_not_used_until_someone_enters_it(waiting):
    assert sealed_rows() == []
    with pytest.raises(ConflictError, match="enter it"):
        set_state(waiting, "active")

    update_key(waiting, api_key="test-key-alpha-0001")

    (sealed,) = sealed_rows()
    assert open_sealed(sealed, origin="http://127.0.0.1:9000") == "test-key-alpha-0001"


def test_a_waiting_key_can_be_renamed_before_it_is_entered(waiting):
    renamed = update_key(waiting, label="renamed", weight=2)

    assert (renamed.label, renamed.state) == ("renamed", "locked")


def test_a_waiting_key_counts_neither_as_unreadable_nor_against_the_encryption_key(waiting):
    inventory = take_inventory()

    assert (inventory.on_current, inventory.on_old, inventory.unreadable) == (0, 0, [])
    assert require_readable_keys() == 0
