"""What holds for every plan, whatever its targets answer."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from providers.errors import ERROR_CLASSES, LLMProviderError
from providers.plan import Attempt, Plan
from tests.providers.scripted import CHAT, Clock, ScriptedProvider, router, target

ERRORS = st.builds(
    lambda kind, retry_after_s, too_long: kind("no", status=429, retry_after_s=retry_after_s, exceeds_context=too_long),
    st.sampled_from(ERROR_CLASSES),
    st.none() | st.floats(0, 100),
    st.booleans(),
)
TARGETS = st.builds(
    lambda script, keys, window, max_retries: (script, keys, window, max_retries),
    st.lists(ERRORS | st.just("pong"), min_size=1, max_size=4),
    st.lists(st.sampled_from("abc"), max_size=3, unique=True),
    st.none() | st.sampled_from([1_000, 2_000, 4_000]),
    st.integers(0, 3),
)


def made(number: int, script: list, keys: list[str], window: int | None, max_retries: int):
    provider = ScriptedProvider(*script, name=f"p{number}", max_retries=max_retries)
    return target(provider, keys=[f"{number}-{key}" for key in keys], context_window=window)


@given(
    targets=st.lists(TARGETS, max_size=4),
    strategy=st.sampled_from(["priority", "weighted", "round_robin", "least_latency", "cheapest"]),
    deadline_s=st.none() | st.floats(1, 60),
)
def test_a_call_ends_within_its_limits_in_one_answer_or_one_error(targets, strategy, deadline_s):
    clock = Clock()
    began = clock.seconds
    planned = [made(number, *settings) for number, settings in enumerate(targets)]
    plan = Plan(targets=planned, strategy=strategy, deadline_s=deadline_s)

    attempts: list[Attempt] = []
    expected_last = "ok"

    try:
        asyncio.run(router(clock).execute(plan, CHAT, attempts=attempts))
    except LLMProviderError:
        expected_last = "error"

    most = sum(max(1, len(t.keys)) + t.provider.config.max_retries for t in planned)
    assert len(attempts) <= most
    assert [attempt.status for attempt in attempts[:-1]] == ["error"] * max(0, len(attempts) - 1)
    assert not attempts or attempts[-1].status == expected_last
    assert deadline_s is None or clock.seconds - began <= deadline_s + 1e-9
    assert sum(len(t.provider.calls) for t in planned) == len(attempts)
