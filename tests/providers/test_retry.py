from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.config import LLMProviderConfig
from providers.errors import (
    LLMProviderConnectionError,
    LLMProviderInvalidRequestError,
    LLMProviderRateLimitError,
    LLMProviderServiceError,
)
from providers.retry import RetryPolicy, with_retry
from tests.providers.scripted import Clock

POLICY = RetryPolicy(max_retries=3, delay_s=0.5, max_delay_s=4.0)
BROKEN = LLMProviderServiceError("broken", status=500)


@given(
    retry=st.integers(0, 10_000),
    chance=st.floats(0, 1),
    delay_s=st.floats(0, 100),
    max_delay_s=st.floats(0, 1_000),
)
def test_the_backoff_is_never_negative_nor_above_its_limits(retry, chance, delay_s, max_delay_s):
    policy = RetryPolicy(delay_s=delay_s, max_delay_s=max_delay_s)

    wait = policy.backoff_s(retry, rng=lambda: chance)

    assert 0 <= wait <= max_delay_s
    assert wait <= delay_s * 2.0 ** min(retry, 60)


def test_the_backoff_has_full_jitter():
    waits = [POLICY.backoff_s(1, rng=lambda chance=chance: chance) for chance in (0.0, 0.5, 1.0)]

    assert waits == [0.0, 0.5, 1.0]


def test_an_error_that_knows_itself_to_be_hopeless_is_not_retried_whatever_the_config_says():
    refused = LLMProviderConnectionError("address refused", retryable=False)
    policy = RetryPolicy(retry_on=frozenset({"connection"}))

    assert not policy.may_retry(refused)
    assert policy.may_retry(LLMProviderConnectionError("cut"))


def test_a_class_that_is_not_retried_by_itself_can_be_made_so():
    policy = RetryPolicy(retry_on=frozenset({"invalid_request"}))

    assert policy.may_retry(LLMProviderInvalidRequestError("flaky proxy", status=400))


@pytest.mark.parametrize(
    ("error", "retry", "remaining_s", "expected"),
    [
        (BROKEN, 0, None, 0.5),
        (BROKEN, 3, None, None),
        (BROKEN, 0, 0.5, None),
        (LLMProviderRateLimitError("slow", retry_after_s=7), 0, None, 7),
        (LLMProviderRateLimitError("slow", retry_after_s=0.1), 0, None, 0.5),
        (LLMProviderRateLimitError("slow", retry_after_s=31), 0, None, None),
        (LLMProviderInvalidRequestError("wrong"), 0, None, None),
    ],
)
def test_how_long_is_waited(error, retry, remaining_s, expected):
    assert POLICY.wait_s(error, retry, remaining_s=remaining_s, rng=lambda: 1.0) == expected


async def test_a_call_is_repeated_until_it_answers():
    clock, left = Clock(), [BROKEN, BROKEN]

    async def call() -> str:
        if left:
            raise left.pop()
        return "pong"

    assert await with_retry(call, policy=POLICY, sleep=clock.sleep, rng=lambda: 1.0) == "pong"
    assert clock.slept == [0.5, 1.0]


async def test_the_last_error_is_raised_when_the_retries_are_used_up():
    clock, calls = Clock(), []

    async def call() -> str:
        calls.append(1)
        raise LLMProviderServiceError(f"failure {len(calls)}")

    with pytest.raises(LLMProviderServiceError, match="failure 4"):
        await with_retry(call, policy=POLICY, sleep=clock.sleep)


def test_a_policy_reads_the_provider_config():
    config = LLMProviderConfig(max_retries=7, retry_delay_s=1, retry_max_delay_s=2, fallback_on=frozenset({"timeout"}))

    assert RetryPolicy.from_config(config) == RetryPolicy(7, 1, 2, None, frozenset({"timeout"}))
