from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderConnectionError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
)
from providers.health import Circuit, HealthBoard
from tests.providers.scripted import Clock

PROVIDER, MODEL, KEY = Circuit("provider", "p"), Circuit("model", "p/m"), Circuit("key", "k")
BROKEN = LLMProviderServiceError("broken", provider="p", model="m", status=500)
BAD_KEY = LLMProviderAuthenticationError("bad key", status=401)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> HealthBoard:
    return HealthBoard(clock=clock, min_failures=3, cooling_s=5, max_cooling_s=60, window_s=60)


def fail(board: HealthBoard, error: LLMProviderError, *, times: int = 1, claimed: tuple[Circuit, ...] = ()) -> None:
    for _ in range(times):
        board.fail(error, provider="p", model="m", key_id="k", claimed=claimed)


def test_a_few_failures_do_not_open_a_circuit(board: HealthBoard):
    fail(board, BROKEN, times=2)

    assert board.state(MODEL) == "closed"


def test_several_failures_make_the_model_cool_and_leave_its_provider_alone(board: HealthBoard):
    fail(board, BROKEN, times=3)

    assert board.state(MODEL) == "cooling"
    assert board.state(PROVIDER) == board.state(KEY) == "closed"
    assert board.claim(PROVIDER, MODEL) is None


def test_failures_among_many_answers_do_not_open_a_circuit(board: HealthBoard):
    for _ in range(3):
        fail(board, BROKEN)
        board.succeed(PROVIDER, MODEL)
        board.succeed(PROVIDER, MODEL)

    assert board.state(MODEL) == "closed"


def test_failures_that_left_the_window_are_forgotten(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=2)
    clock.seconds += 61
    fail(board, BROKEN)

    assert board.state(MODEL) == "closed"


def test_nothing_reached_counts_against_the_provider(board: HealthBoard):
    fail(board, LLMProviderConnectionError("refused"), times=3)

    assert board.state(PROVIDER) == "cooling"
    assert board.state(MODEL) == "closed"


def test_a_refused_key_cools_at_once_and_only_the_key(board: HealthBoard):
    fail(board, BAD_KEY)

    assert board.state(KEY) == "cooling"
    assert board.state(PROVIDER) == board.state(MODEL) == "closed"


def test_a_rate_limit_with_retry_after_rests_the_key_for_that_long(board: HealthBoard, clock: Clock):
    fail(board, LLMProviderRateLimitError("slow", status=429, retry_after_s=20))

    clock.seconds += 19
    assert board.state(KEY) == "cooling"
    clock.seconds += 1
    assert board.state(KEY) == "ready"


def test_g23_what_the_caller_did_wrong_never_counts(board: HealthBoard):
    fail(board, LLMProviderInvalidRequestError("no such field", status=400), times=50)

    assert board.snapshot() == []


def test_g23_after_the_pause_exactly_one_call_is_the_probe(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 5

    claims = [board.claim(PROVIDER, MODEL) for _ in range(3)]

    assert claims == [(MODEL,), None, None]
    assert board.state(MODEL) == "probing"


def test_g23_a_probe_that_succeeds_closes_the_circuit(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 5
    board.claim(PROVIDER, MODEL)

    board.succeed(PROVIDER, MODEL)

    assert board.state(MODEL) == "closed"
    assert board.claim(PROVIDER, MODEL) == ()


def test_a_probe_that_fails_makes_the_pause_longer_up_to_a_limit(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    pauses = []
    for _ in range(6):
        until = board.snapshot()[0].cooling_until_at
        now_at = datetime(2026, 1, 1, tzinfo=UTC)
        until = board.snapshot(now_at=now_at)[0].cooling_until_at
        assert until is not None
        pauses.append((until - now_at).total_seconds())
        clock.seconds += pauses[-1]
        fail(board, BROKEN, claimed=board.claim(MODEL) or ())

    assert pauses == [5, 10, 20, 40, 60, 60]


def test_a_probe_given_back_may_be_taken_by_another_call(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 5
    claimed = board.claim(MODEL)
    assert claimed is not None

    board.release(claimed)

    assert board.claim(MODEL) == (MODEL,)


def test_a_probe_nobody_reported_on_is_given_to_another_after_a_while(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 5
    board.claim(MODEL)
    clock.seconds += 121

    assert board.claim(MODEL) == (MODEL,)


def test_claiming_takes_all_circuits_or_none(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 5
    fail(board, LLMProviderConnectionError("refused"), times=3)

    assert board.claim(PROVIDER, MODEL) is None
    assert board.state(MODEL) == "ready"


def test_an_error_that_the_upstream_answered_shows_that_the_provider_is_back(board: HealthBoard, clock: Clock):
    fail(board, LLMProviderConnectionError("refused"), times=3)
    clock.seconds += 5

    fail(board, BROKEN, claimed=board.claim(PROVIDER, MODEL) or ())

    assert board.state(PROVIDER) == "closed"


def test_an_answer_begun_before_the_failure_does_not_end_the_pause(board: HealthBoard):
    fail(board, BAD_KEY)

    board.succeed(KEY)

    assert board.state(KEY) == "cooling"


def test_the_snapshot_says_who_is_ill_and_why(board: HealthBoard, clock: Clock):
    fail(board, BROKEN, times=3)
    clock.seconds += 2
    now_at = datetime(2026, 1, 1, tzinfo=UTC)

    (state,) = board.snapshot(now_at=now_at)

    assert (state.scope, state.name, state.state) == ("model", "p/m", "cooling")
    assert state.reason == "p/m [500]: broken"
    assert (state.error_class, state.recent_failures) == ("service", 3)
    assert state.last_failure_at == now_at - timedelta(seconds=2)
    assert state.cooling_until_at == now_at + timedelta(seconds=3)


def test_what_has_been_quiet_for_long_leaves_the_snapshot(board: HealthBoard, clock: Clock):
    fail(board, BROKEN)
    clock.seconds += 3_600

    assert board.snapshot() == []


def test_somebody_who_mended_a_circuit_can_reset_it(board: HealthBoard):
    fail(board, BAD_KEY)

    board.reset(KEY)

    assert board.state(KEY) == "closed"


def test_g25_the_board_is_bounded(clock: Clock):
    board = HealthBoard(clock=clock, max_entries=10)
    for number in range(100):
        board.fail(BAD_KEY, provider="p", model="m", key_id=f"key-{number}")

    assert len(board.snapshot()) == 10
