import datetime as dt

import pytest
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_person
from llmadmin.audit.services import acting
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.services import create_provider
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, MissingError, StaleError
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.opening import open_sealed, sealed_of, sealed_rows
from llmadmin.vault.selectors import get_key, keys, keys_of
from llmadmin.vault.services import add_key, delete_key, note_keys_used, rotate_key, set_state, update_key

PLAINTEXT = "test-key-alpha-0001"


@pytest.fixture
def key(provider):
    return add_key(provider, label="main", api_key=PLAINTEXT)


def _opened(key):
    key = ApiKey.objects.get(pk=key.pk)
    return open_sealed(sealed_of(key), origin=origin_of(key.provider))


def test_a_stored_key_is_opened_for_where_its_provider_points(key):
    assert _opened(key) == PLAINTEXT
    assert (key.last4, key.origin, key.state) == ("0001", "http://127.0.0.1:9000", "active")


def test_white_space_around_a_pasted_key_is_dropped(provider):
    assert _opened(add_key(provider, label="pasted", api_key=f"  {PLAINTEXT}\n")) == PLAINTEXT


def test_g09_no_column_but_the_last_four_shows_anything_of_the_key(key):
    row = ApiKey.objects.filter(pk=key.pk).values().get()

    assert PLAINTEXT.encode() not in bytes(row["ciphertext"])
    assert PLAINTEXT not in str(row)
    assert row["last4"] == "0001"


def test_a_short_key_shows_nothing_since_four_signs_are_too_many_of_it(provider):
    assert add_key(provider, label="short", api_key="s3cret-key").last4 == ""


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_g08_an_omitted_or_empty_key_keeps_the_stored_one(key, empty):
    before = ApiKey.objects.get(pk=key.pk)

    update_key(key, api_key=empty, label="renamed", weight=5)

    after = ApiKey.objects.get(pk=key.pk)
    assert bytes(after.ciphertext) == bytes(before.ciphertext)
    assert (after.label, after.weight, after.revision) == ("renamed", 5, 2)
    assert _opened(key) == PLAINTEXT


@pytest.mark.parametrize(
    "mask",
    ["••••0001", "********", "test-…0001", "...0001", "test...0001", "[redacted]", "xxxxxxxx0001", "●●●●", "****0001"],
)
def test_g08_a_mask_is_refused_and_the_stored_key_stays(key, mask):
    for attempt in (lambda: update_key(key, api_key=mask), lambda: rotate_key(key, api_key=mask)):
        with pytest.raises(InvalidError, match="masked form") as refusal:
            attempt()
        assert list(refusal.value.fields) == ["api_key"]

    assert _opened(key) == PLAINTEXT


@pytest.mark.parametrize(
    "text", ["two words of key", "line\nbreak-key", "umlaut-schlüssel", "nul\x00byte-key", "k" * 8193]
)
def test_what_no_header_carries_is_refused_without_repeating_it(provider, text):
    with pytest.raises(InvalidError) as refusal:
        add_key(provider, label="main", api_key=text)

    assert text not in refusal.value.message
    assert not keys_of(provider).exists()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"label": ""}, "label"),
        ({"label": "l" * 121}, "label"),
        ({"weight": 0}, "weight"),
        ({"weight": 1001}, "weight"),
        ({"weight": "many"}, "weight"),
        ({"environment": "e" * 33}, "environment"),
        ({"state": "active"}, "state"),
        ({"origin": "https://elsewhere.example:443"}, "origin"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_written(key, fields, wrong):
    with pytest.raises(InvalidError) as refusal:
        update_key(key, **fields)

    assert wrong in refusal.value.fields
    assert get_key(key.pk).revision == 1


def test_a_label_is_taken_once_at_a_provider(key, provider):
    with pytest.raises(ConflictError, match="'main' already"):
        add_key(provider, label="main", api_key="test-key-beta-0002")


def test_a_key_needs_an_address_to_be_bound_to(act):
    nowhere = Provider.objects.create(slug="nowhere", kind="local")

    with pytest.raises(InvalidError, match="Set its base URL"):
        add_key(nowhere, label="main", api_key=PLAINTEXT)


def test_rotating_puts_another_key_in_the_rows_place(key, act):
    rotated = rotate_key(key, api_key="test-key-beta-0002")

    assert _opened(key) == "test-key-beta-0002"
    assert (rotated.pk, rotated.last4, rotated.revision) == (key.pk, "0002", 2)
    assert rotated.fingerprint != key.fingerprint
    assert (act.notes[-1].action, act.notes[-1].after["last4"]) == ("rotate", "0002")


def test_a_failed_key_works_again_once_it_is_entered_anew(key):
    set_state(key, KeyState.FAILED, reason="401 from upstream")

    rotate_key(key, api_key="test-key-beta-0002")

    again = get_key(key.pk)
    assert (again.state, again.state_reason) == ("active", "")


def test_a_key_taken_out_of_use_by_hand_stays_out_when_it_is_rotated(key):
    set_state(key, KeyState.DISABLED)

    rotate_key(key, api_key="test-key-beta-0002")

    assert get_key(key.pk).state == "disabled"


def test_g16_a_stale_revision_is_refused_by_every_change(key):
    update_key(key, expected_revision=1, weight=2)

    for attempt in (
        lambda: update_key(key, expected_revision=1, weight=3),
        lambda: rotate_key(key, expected_revision=1, api_key="test-key-beta-0002"),
        lambda: set_state(key, KeyState.DISABLED, expected_revision=1),
        lambda: delete_key(key, expected_revision=1),
    ):
        with pytest.raises(StaleError, match="Load it again"):
            attempt()
    assert (get_key(key.pk).weight, get_key(key.pk).state) == (2, "active")


def test_a_deleted_key_is_gone(key):
    delete_key(key)

    with pytest.raises(MissingError):
        get_key(key.pk)
    with pytest.raises(StaleError, match="deleted meanwhile"):
        update_key(key, weight=2)


@pytest.mark.parametrize("unknown", ["", "not-a-uuid", "00000000-0000-0000-0000-000000000000"])
def test_a_key_that_does_not_exist_is_missing(db, unknown):
    with pytest.raises(MissingError):
        get_key(unknown)


def test_only_keys_in_use_are_handed_to_the_live_path(provider):
    now = timezone.now()
    for state in ("active", "draining", "disabled", "failed"):
        set_state(add_key(provider, label=state, api_key=PLAINTEXT), state)
    add_key(provider, label="expired", api_key=PLAINTEXT, expires_at=now - dt.timedelta(seconds=1))
    add_key(provider, label="fresh", api_key=PLAINTEXT, expires_at=now + dt.timedelta(hours=1))

    assert [(sealed.label, sealed.state) for sealed in sealed_rows()] == [
        ("active", "active"),
        ("draining", "draining"),
        ("failed", "failed"),
        ("fresh", "active"),
    ]
    assert "ciphertext" not in repr(sealed_rows()[0])


def test_g27_all_sealed_keys_are_one_query(act, django_assert_num_queries):
    for number in range(8):
        one = create_provider(slug=f"p{number}", kind="local", base_url=f"http://127.0.0.1:{9000 + number}/v1")
        add_key(one, label="main", api_key=PLAINTEXT)

    with django_assert_num_queries(1):
        assert len(sealed_rows()) == 8
    with django_assert_num_queries(1):
        assert [key.provider.slug for key in keys()] == [f"p{number}" for number in range(8)]


def test_last_use_moves_forward_only_and_leaves_no_note(key, act):
    now, notes = timezone.now(), len(act.notes)

    note_keys_used({key.pk: now})
    note_keys_used({key.pk: now - dt.timedelta(hours=1)})

    assert get_key(key.pk).last_used_at == now
    assert (get_key(key.pk).revision, len(act.notes)) == (1, notes)


def test_a_viewer_may_not_enter_keys_even_where_a_face_forgot_to_ask(key, provider, viewer):
    with acting(actor_of_person(viewer)):
        for attempt in (
            lambda: add_key(provider, label="x", api_key=PLAINTEXT),
            lambda: update_key(key, weight=2),
            lambda: rotate_key(key, api_key=PLAINTEXT),
            lambda: set_state(key, KeyState.DISABLED),
            lambda: delete_key(key),
        ):
            with pytest.raises(ForbiddenError):
                attempt()


def test_a_text_of_megabytes_is_refused_by_its_length_before_anything_looks_into_it(provider):
    """Looking for a mask in 10 MB would hold up the whole process for seconds."""
    with pytest.raises(InvalidError, match="at most 8192"):
        add_key(provider, label="main", api_key="*" * 10_000)
