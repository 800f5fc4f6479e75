"""When to ask the same target again, and after how long: exponential backoff with full jitter, pure but for `with_retry`.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from providers.entries import LLMProviderConfig
from providers.errors import LLMProviderError

Answer = TypeVar("Answer")

LONGEST_WAIT_S = 30.0
"""A vendor's `Retry-After` above this is not waited for: the caller hears of the error instead."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently one target is asked again."""

    max_retries: int = 2
    delay_s: float = 0.5
    max_delay_s: float = 8.0
    retry_on: frozenset[str] | None = None
    fallback_on: frozenset[str] | None = None

    @classmethod
    def from_config(cls, config: LLMProviderConfig) -> RetryPolicy:
        return cls(
            config.max_retries, config.retry_delay_s, config.retry_max_delay_s, config.retry_on, config.fallback_on
        )

    def may_retry(self, error: LLMProviderError) -> bool:
        """Whether the same target may answer if asked again. An error that knows itself to be hopeless stays so."""
        if self.retry_on is None:
            return error.retryable
        return error.error_class in self.retry_on and (error.retryable or not error.retryable_by_default)

    def may_fall_back(self, error: LLMProviderError) -> bool:
        """Whether another target may answer."""
        if self.fallback_on is None:
            return error.fails_over
        return error.error_class in self.fallback_on and (error.fails_over or not error.fails_over_by_default)

    def backoff_s(self, retry: int, *, rng: Callable[[], float] = random.random) -> float:
        """A random wait before retry number `retry` (from 0), at most `delay_s · 2^retry` and `max_delay_s`."""
        return rng() * min(self.max_delay_s, self.delay_s * 2.0 ** min(retry, 60))

    def wait_s(
        self,
        error: LLMProviderError,
        retry: int,
        *,
        remaining_s: float | None = None,
        longest_s: float = LONGEST_WAIT_S,
        rng: Callable[[], float] = random.random,
    ) -> float | None:
        """How long to wait before retry number `retry`, or None where the same target is not to be asked again.

        A `Retry-After` is obeyed; one longer than `longest_s`, or any wait that does not fit into `remaining_s`, ends
        the tries at this target.
        """
        if retry >= self.max_retries or not self.may_retry(error):
            return None
        wait = self.backoff_s(retry, rng=rng)
        if error.retry_after_s is not None:
            if error.retry_after_s > longest_s:
                return None
            wait = max(wait, error.retry_after_s)
        return None if remaining_s is not None and wait >= remaining_s else wait


async def with_retry(
    call: Callable[[], Awaitable[Answer]],
    *,
    policy: RetryPolicy,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    rng: Callable[[], float] = random.random,
) -> Answer:
    """Await `call()` until it answers, repeating it as `policy` says. Raises the error of the last try."""
    retry = 0
    while True:
        try:
            return await call()
        except LLMProviderError as error:
            wait = policy.wait_s(error, retry, rng=rng)
            if wait is None:
                raise
        await sleep(wait)
        retry += 1
