"""The steps of a rotation as rows: what each does, who goes on, and the way back."""

import datetime as dt

import pytest
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_person
from llmadmin.audit.services import acting
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, StaleError
from llmadmin.vault import rotation
from llmadmin.vault.models import ApiKey, KeyRotation
from llmadmin.vault.recovery import fail_key
from llmadmin.vault.selectors import get_key
from llmadmin.vault.services import add_key, delete_key, note_keys_used, set_state

OLD, NEW = "test-key-alpha-0001", "test-key-beta-0002"


@pytest.fixture
def old(provider):
    return add_key(
        provider,
        label="prod",
        api_key=OLD,
        weight=7,
        allowed_models=["small"],
        calls_per_minute=60,
        environment="staging",
    )


def _states():
    return dict(ApiKey.objects.order_by("label").values_list("label", "state"))


def _switched(old, **options):
    return rotation.switch(
        rotation.note_test(rotation.start_rotation(old, api_key=NEW, **options), has_passed=True, message="")
    )


def test_a_rotation_goes_from_step_to_step_and_each_is_audited(old, act):
    begun = rotation.start_rotation(old, api_key=NEW)
    assert (begun.step, _states()) == ("added", {"prod": "active", "prod 2": "disabled"})

    tested = rotation.note_test(begun, has_passed=True, message="It answered in 3 ms.")
    assert (tested.step, tested.test_message, _states()["prod 2"]) == ("tested", "It answered in 3 ms.", "disabled")

    switched = rotation.switch(rotation.get_rotation(begun.pk))
    assert (switched.step, _states()) == ("draining", {"prod": "draining", "prod 2": "active"})

    retired = rotation.retire(rotation.get_rotation(begun.pk))
    assert (retired.step, retired.is_open, _states()) == ("retired", False, {"prod": "disabled", "prod 2": "active"})
    assert get_key(old.pk).state_reason == "Retired: prod 2 took its place."
    acts = [note.action for note in act.notes if note.action not in ("create", "update")]
    assert acts == ["start_rotation", "test", "switch", "retire"]


def test_the_new_key_is_like_the_old_one_but_for_its_text_and_end(old):
    ends = timezone.now() + dt.timedelta(days=90)

    new = rotation.start_rotation(old, api_key=NEW, expires_at=ends, label="prod winter").new_key

    assert (new.label, new.weight, new.allowed_models, new.calls_per_minute, new.environment, new.expires_at) == (
        *("prod winter", 7, ["small"], 60, "staging"),
        ends,
    )


def test_labels_count_on(old):
    first = _switched(old)
    rotation.retire(first)

    again = rotation.start_rotation(first.new_key, api_key="test-key-gamma-0003")

    assert (first.new_key.label, again.new_key.label) == ("prod 2", "prod 3")


def test_nothing_is_switched_before_the_new_key_has_passed_its_test_unless_somebody_says_so(old):
    begun = rotation.start_rotation(old, api_key=NEW)
    failed = rotation.note_test(begun, has_passed=False, message="401")

    with pytest.raises(ConflictError, match="has not passed its test"):
        rotation.switch(failed)
    assert _states() == {"prod": "active", "prod 2": "disabled"}
    assert rotation.switch(failed, is_forced=True).step == "draining"


@pytest.mark.parametrize("steps", ["added", "tested", "draining"])
@pytest.mark.parametrize("before", ["active", "draining"])
def test_it_can_be_cancelled_at_every_step_and_the_old_key_is_as_it_was(old, steps, before):
    set_state(old, before)
    under_way = rotation.start_rotation(old, api_key=NEW)
    if steps != "added":
        under_way = rotation.note_test(under_way, has_passed=True, message="")
    if steps == "draining":
        under_way = rotation.switch(under_way)

    cancelled = rotation.cancel(under_way)

    assert (cancelled.step, _states()) == ("cancelled", {"prod": before, "prod 2": "disabled"})
    assert rotation.find_open(old) is None


def test_an_ended_rotation_takes_no_step_any_more(old):
    ended = rotation.cancel(rotation.start_rotation(old, api_key=NEW))

    for step in (rotation.switch, rotation.retire, rotation.cancel):
        with pytest.raises(ConflictError, match="has ended: cancelled"):
            step(ended)
    with pytest.raises(ConflictError, match="has ended"):
        rotation.note_test(ended, has_passed=True, message="")


def test_a_key_is_rotated_once_at_a_time(old):
    rotation.start_rotation(old, api_key=NEW)

    with pytest.raises(ConflictError, match="being rotated already"):
        rotation.start_rotation(old, api_key="test-key-gamma-0003")


def test_the_same_key_is_no_new_one(old):
    with pytest.raises(InvalidError, match="the key that is in use now"):
        rotation.start_rotation(old, api_key=f" {OLD}\n")


def test_a_key_out_of_use_is_not_rotated_in_steps(old):
    set_state(old, "disabled")

    with pytest.raises(ConflictError, match="straight in its place"):
        rotation.start_rotation(old, api_key=NEW)


def test_the_old_key_is_not_retired_while_the_new_one_does_not_work(old):
    under_way = _switched(old)
    fail_key(under_way.new_key_id, entered_at=under_way.new_key.entered_at, error_class="authentication", reason="401")

    with pytest.raises(ConflictError, match="new key is failed"):
        rotation.retire(rotation.get_rotation(under_way.pk))
    assert _states()["prod"] == "draining"


def test_a_failed_key_can_be_rotated_and_drains_when_it_works_again(old):
    fail_key(old.pk, entered_at=old.entered_at, error_class="authentication", reason="401")

    _switched(get_key(old.pk))

    assert (get_key(old.pk).state, get_key(old.pk).intended_state) == ("failed", "draining")


def test_a_rotation_retires_by_itself_once_the_old_key_is_quiet_and_the_new_one_works(old):
    under_way = _switched(old, retires_after_s=900)
    now = timezone.now()
    assert rotation.quiet_rotations() == []

    KeyRotation.objects.update(switched_at=now - dt.timedelta(hours=1))
    assert [one.pk for one in rotation.quiet_rotations()] == [under_way.pk]

    note_keys_used({old.pk: now - dt.timedelta(minutes=1)})
    assert rotation.quiet_rotations() == [], "a call used it a minute ago"

    ApiKey.objects.filter(pk=old.pk).update(last_used_at=now - dt.timedelta(hours=1))
    ApiKey.objects.filter(pk=under_way.new_key_id).update(state="failed")
    assert rotation.quiet_rotations() == [], "the new key does not work"


def test_one_that_people_retire_is_never_quiet(old):
    _switched(old)
    KeyRotation.objects.update(switched_at=timezone.now() - dt.timedelta(days=9))

    assert rotation.quiet_rotations() == []


@pytest.mark.parametrize("quiet_s", [0, 59, 8 * 24 * 3600])
def test_how_quiet_is_bounded(old, quiet_s):
    with pytest.raises(InvalidError) as refusal:
        rotation.start_rotation(old, api_key=NEW, retires_after_s=quiet_s)

    assert "retires_after_s" in refusal.value.fields


def test_deleting_one_of_the_keys_ends_the_rotation_with_words(old):
    under_way = rotation.start_rotation(old, api_key=NEW)
    delete_key(under_way.new_key)

    with pytest.raises(StaleError, match="one of its keys was deleted"):
        rotation.switch(under_way)


def test_a_viewer_takes_no_step_even_where_a_face_forgot_to_ask(old, viewer):
    under_way = rotation.start_rotation(old, api_key=NEW)

    with acting(actor_of_person(viewer)):
        for step in (
            lambda: rotation.start_rotation(old, api_key="test-key-gamma-0003"),
            lambda: rotation.note_test(under_way, has_passed=True, message=""),
            lambda: rotation.switch(under_way, is_forced=True),
            lambda: rotation.cancel(under_way),
        ):
            with pytest.raises(ForbiddenError):
                step()
