"""Keys that fail and recover, by what their provider really answers: in the row, for all servers, across a restart."""

from __future__ import annotations

import datetime as dt

import openai
import pytest

from providers.health import Circuit
from tests.gateway.conftest import UPSTREAM_KEY, eventually
from tests.live.server import LiveServer

HELLO = [{"role": "user", "content": "Say hello"}]
SECOND_KEY = "test-key-upstream-beta"


@pytest.fixture
def two_keys(live):
    """A second key of the provider beside `main`, and an upstream that takes both, before and after."""
    from llmadmin.catalog.selectors import get_provider
    from llmadmin.vault.services import add_key

    live.simulator.app.accept(SECOND_KEY)
    with _change():
        key = add_key(get_provider("sim"), label="second", api_key=SECOND_KEY)
    _taken_up(live, lambda snapshot: len(snapshot.sealed["sim"]) == 2)
    yield key
    for text in (UPSTREAM_KEY, SECOND_KEY):
        live.simulator.app.accept(text)


def test_g23_a_refused_key_fails_in_its_row_with_the_reason_and_no_call_fails(live, two_keys):
    live.simulator.app.refuse(SECOND_KEY)

    answers = [_call(live) for _ in range(12)]

    assert all(answers)
    eventually(lambda: _row(two_keys).state == "failed")
    row = _row(two_keys)
    assert row.state_reason == "sim answered 401: Incorrect API key provided to the simulator."
    assert (row.resumes_as, row.failure_class, row.failure_count) == ("active", "authentication", 1)
    assert row.probe_at > row.last_error_at
    entry = _entries("fail").get()
    assert (entry.actor_kind, entry.actor_label, entry.object_name) == ("system", "key health", "sim/second")
    assert entry.version is None


def test_g23_that_a_key_failed_is_no_new_version_and_a_restored_one_does_not_deny_it(live, two_keys):
    from llmadmin.config.rollback import rollback_to
    from llmadmin.config.selectors import current_publication

    before = current_publication()[0]
    _fail(live, two_keys)

    assert current_publication()[0] == before
    with _change() as made:
        rollback_to(before, by=made.by)
    assert _row(two_keys).state == "failed"


def test_g23_a_failed_key_is_not_taken_while_another_one_works_and_a_restart_does_not_forget_it(live, two_keys):
    _fail(live, two_keys)
    calls = live.simulator.app.calls_by_key

    live.server.__exit__()
    with LiveServer() as again:
        live.server = again
        live.simulator.app.accept(SECOND_KEY)
        before = calls[SECOND_KEY]
        snapshot = again.runtime.snapshot
        planned = {key.label: key.reserve for key in snapshot.keys_for(snapshot.providers["sim"], "sim")}
        circuit = again.runtime.router.health.state(Circuit("key", str(two_keys.pk)))
        attempts = {_call(live).headers["x-llmadmin-attempts"] for _ in range(10)}
    live.server = LiveServer()
    live.server.__enter__()

    assert planned == {"main": 0, "second": 2}
    assert circuit == "cooling"
    assert attempts == {"1"}
    assert calls[SECOND_KEY] == before


def test_g23_exactly_one_probe_asks_a_failed_key_and_its_success_brings_it_back(live, two_keys):
    from llmadmin.gateway.tasks import probe_failed_keys
    from llmadmin.vault import recovery

    _fail(live, two_keys)
    assert probe_failed_keys() == 0, "its pause is not over"
    _let_pause_end(two_keys)
    (seen,), (seen_elsewhere,) = recovery.due_for_probe(), recovery.due_for_probe()
    assert [recovery.claim_probe(seen), recovery.claim_probe(seen_elsewhere)] == [True, False]

    live.simulator.app.accept(SECOND_KEY)
    _let_pause_end(two_keys)
    assert probe_failed_keys() == 1

    row = _row(two_keys)
    assert (row.state, row.state_reason, row.probe_at) == ("active", "", None)
    assert _entries("recover").get().actor_label == "key health"
    calls = live.simulator.app.calls_by_key
    before = calls[SECOND_KEY]
    eventually(lambda: bool(_call(live)) and calls[SECOND_KEY] > before)
    eventually(lambda: _row(two_keys).failure_count == 0)


def test_g23_a_key_that_is_still_refused_rests_twice_as_long_each_time(live, two_keys):
    from django.utils import timezone

    from llmadmin.gateway.tasks import probe_failed_keys
    from llmadmin.vault.recovery import pause_s

    _fail(live, two_keys)
    pauses = []
    for _ in range(3):
        _let_pause_end(two_keys)
        assert probe_failed_keys() == 0
        pauses.append((_row(two_keys).probe_at - timezone.now()).total_seconds())

    assert [round(pause, -1) for pause in pauses] == [60, 120, 240]
    assert pause_s(1000) == 1800
    assert _row(two_keys).state == "failed"


def test_g23_a_call_that_is_answered_over_the_last_failed_key_brings_it_back(live):
    from llmadmin.vault.models import ApiKey

    only = ApiKey.objects.get()
    _fail(live, only, text=UPSTREAM_KEY)

    live.simulator.app.accept(UPSTREAM_KEY)
    assert _call(live)

    eventually(lambda: _row(only).state == "active")
    assert _row(only).failure_count == 0


def test_g23_what_was_learned_of_a_text_says_nothing_of_the_one_that_took_its_place(live, two_keys):
    """A call takes the old text, the key is rotated, then the refusal of the old one comes in."""
    from llmadmin.vault import recovery
    from llmadmin.vault.services import rotate_key

    entered_at = _row(two_keys).entered_at
    with _change():
        rotate_key(two_keys, api_key=SECOND_KEY + "-new")

    with _change() as made:
        failed = recovery.fail_key(two_keys.pk, entered_at=entered_at, error_class="authentication", reason="late")

    assert not failed
    assert not made.changes
    assert _row(two_keys).state == "active"


@pytest.mark.parametrize(
    ("wish", "error_class"),
    [({"status": 429}, "rate_limit"), ({"status": 503}, "service"), ({"status": 400}, "invalid")],
)
def test_g23_errors_that_are_not_the_keys_leave_it_as_it_is(live, two_keys, wish, error_class):
    live.simulator.set("sim-small", **wish)
    for _ in range(6):
        with pytest.raises(openai.APIStatusError):
            _call(live)
    live.simulator.set("sim-small")
    live.server.runtime.key_notes.write_news()

    assert {_row(key).state for key in _keys()} == {"active"}
    assert not _entries("fail").exists()


def test_g23_our_own_trouble_with_a_key_does_not_count_against_it(live, two_keys):
    from llmadmin.vault.models import ApiKey

    ApiKey.objects.filter(pk=two_keys.pk).update(
        ciphertext=b"\x01 not what was sealed, and long enough to be looked at"
    )
    with _change():
        from llmadmin.audit.services import note

        note("update", "key", "a change that makes the server look again", after={})
    _taken_up(live, lambda snapshot: b"not what was sealed" in snapshot.keys_by_id[str(two_keys.pk)].ciphertext)

    assert all(_until_pause(live, two_keys) and _call(live) for _ in range(24))
    live.server.runtime.key_notes.write_news()
    assert _row(two_keys).state == "active"


def test_g23_403_speaks_of_a_call_until_it_comes_again_and_again(live, two_keys):
    live.simulator.app.refuse(SECOND_KEY, status=403)
    notes = live.server.runtime.key_notes

    eventually(lambda: bool(_call(live)) and bool(notes._refusals or _row(two_keys).state == "failed"))
    eventually(
        lambda: bool(_call(live)) and _until_pause(live, two_keys) and _row(two_keys).state == "failed", within_s=30
    )

    assert _row(two_keys).failure_count == 1


def test_a_key_without_credit_fails_too_and_the_probe_takes_it_back_on_trial_only(live, two_keys):
    from llmadmin.vault import recovery

    _fail(live, two_keys, status=402)
    assert _row(two_keys).failure_class == "resource_exhausted"

    with _change():
        recovery.recover_key(two_keys.pk, entered_at=_row(two_keys).entered_at)
    assert (_row(two_keys).state, _row(two_keys).failure_count) == ("active", 1)
    _taken_up(live, lambda snapshot: snapshot.keys_by_id[str(two_keys.pk)].state == "active")

    _fail(live, two_keys, status=402)
    assert _row(two_keys).failure_count == 2


def test_a_draining_key_that_failed_drains_again_once_it_works(live, two_keys):
    from llmadmin.vault import recovery
    from llmadmin.vault.services import set_state

    with _change():
        set_state(two_keys, "draining")
        recovery.fail_key(two_keys.pk, entered_at=_row(two_keys).entered_at, error_class="authentication", reason="no")
    assert _row(two_keys).state == "failed"

    with _change():
        recovery.recover_key(two_keys.pk, entered_at=_row(two_keys).entered_at)

    assert _row(two_keys).state == "draining"


def test_last_use_and_last_error_of_a_key_are_noted(live, two_keys):
    live.simulator.set("sim-small", status=429)
    with pytest.raises(openai.APIStatusError):
        _call(live)
    live.simulator.set("sim-small")

    live.server.runtime.key_notes.write_uses()

    errors = [row for row in map(_row, _keys()) if row.last_error]
    assert errors
    assert errors[0].last_error.startswith("429: ")
    assert errors[0].last_used_at is not None


# Steps


def _call(live):
    return live.client().chat.completions.with_raw_response.create(model="only", messages=HELLO)


def _fail(live, key, *, text=SECOND_KEY, status=401):
    live.simulator.app.refuse(text, status=status)

    def has_failed():
        try:
            _call(live)
        except openai.APIStatusError:
            assert text == UPSTREAM_KEY
        return _row(key).state == "failed"

    eventually(has_failed)
    _taken_up(live, lambda snapshot: snapshot.keys_by_id[str(key.pk)].state == "failed")


def _until_pause(live, key) -> bool:
    """Forget the pause that the circuit takes after each refusal, so that the test need not wait for it."""
    live.server.runtime.router.health.reset(Circuit("key", str(key.pk)))
    return True


def _let_pause_end(key) -> None:
    from llmadmin.vault.models import ApiKey

    ApiKey.objects.filter(pk=key.pk).update(probe_at=_row(key).probe_at - dt.timedelta(hours=1))


def _taken_up(live, is_so) -> None:
    eventually(lambda: is_so(live.server.runtime.snapshot))


def _row(key):
    from llmadmin.vault.models import ApiKey

    return ApiKey.objects.get(pk=key.pk)


def _keys():
    from llmadmin.vault.models import ApiKey

    return list(ApiKey.objects.all())


def _entries(action):
    from llmadmin.audit.selectors import entries

    return entries(action=action)


def _change():
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change

    return change(by=system_actor("tests"), why="For a test")
