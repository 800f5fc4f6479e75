import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from llmadmin.core.keyring import KeyRing, UnreadableError

FIRST = base64.urlsafe_b64encode(b"first" * 8).decode()
SECOND = base64.urlsafe_b64encode(b"second" * 8).decode().rstrip("=")


def test_what_was_encrypted_is_read_again():
    ring = KeyRing.from_text(FIRST)

    blob = ring.encrypt("test-key-alpha", bound_to=b"row 1")

    assert ring.decrypt(blob, bound_to=b"row 1") == "test-key-alpha"
    assert b"test-key-alpha" not in blob


def test_the_same_text_never_gives_the_same_blob_twice():
    ring = KeyRing.from_text(FIRST)

    blobs = {ring.encrypt("test-key-alpha", bound_to=b"") for _ in range(10)}

    assert len(blobs) == 10


def test_a_blob_does_not_open_under_other_bounds():
    ring = KeyRing.from_text(FIRST)
    blob = ring.encrypt("test-key-alpha", bound_to=b"row 1")

    with pytest.raises(UnreadableError, match="another row"):
        ring.decrypt(blob, bound_to=b"row 2")


def test_g07_a_ring_reads_with_every_key_and_writes_with_its_first():
    old = KeyRing.from_text(FIRST)
    both = KeyRing.from_text(f"{SECOND}, {FIRST}")
    blob = old.encrypt("test-key-alpha", bound_to=b"")

    assert both.decrypt(blob, bound_to=b"") == "test-key-alpha"
    assert both.key_id_of(blob) == old.current_key_id
    assert (
        both.key_id_of(both.encrypt("x", bound_to=b""))
        == both.current_key_id
        == KeyRing.from_text(SECOND).current_key_id
    )
    assert both.key_ids == {old.current_key_id, both.current_key_id}


def test_a_blob_of_a_key_that_the_ring_lacks_says_which_key_is_missing():
    blob = KeyRing.from_text(FIRST).encrypt("test-key-alpha", bound_to=b"")

    with pytest.raises(UnreadableError, match=KeyRing.from_text(FIRST).current_key_id):
        KeyRing.from_text(SECOND).decrypt(blob, bound_to=b"")


@pytest.mark.parametrize("place", [0, 3, 10, -1])
def test_a_damaged_blob_is_unreadable(place):
    ring = KeyRing.from_text(FIRST)
    blob = bytearray(ring.encrypt("test-key-alpha", bound_to=b""))
    blob[place] ^= 1

    with pytest.raises(UnreadableError):
        ring.decrypt(bytes(blob), bound_to=b"")


@pytest.mark.parametrize("blob", [b"", b"\x01", b"plain text that someone wrote into the column"])
def test_what_is_no_blob_of_ours_is_unreadable(blob):
    with pytest.raises(UnreadableError, match="no ciphertext"):
        KeyRing.from_text(FIRST).decrypt(blob, bound_to=b"")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There is no encryption key"),
        ("c2hvcnQ=", "key 1 has 5 bytes and needs at least 32"),
        (f"{FIRST},c2hvcnQ=", "key 2 has 5 bytes"),
        (f"{FIRST},", "key 2 is not urlsafe base64"),
        ("not base64 at all, with spaces", "key 1 is not urlsafe base64"),
        ("A" * 45, "key 1 is not urlsafe base64"),
    ],
)
def test_g11_an_unfit_key_is_refused_with_a_sentence_that_says_what_to_do(text, says):
    with pytest.raises(ImproperlyConfigured, match=says) as refusal:
        KeyRing.from_text(text)

    assert "LLMADMIN_ENCRYPTION_KEY" in str(refusal.value)
    assert "c2hvcnQ" not in str(refusal.value)


def test_a_fingerprint_is_the_same_for_the_same_text_only_and_needs_the_key():
    ring = KeyRing.from_text(FIRST)

    assert ring.fingerprint("a") == ring.fingerprint("a") != ring.fingerprint("b")
    assert ring.fingerprint("a") != KeyRing.from_text(SECOND).fingerprint("a")
