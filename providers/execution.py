"""The one loop behind every kind of call: which target, which key, once more or the next, until an answer or the end.

A run belongs to one call. Chats, streams, completions and embeddings differ only in the `exchange` that it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from providers.errors import (
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
)
from providers.health import Circuit
from providers.key_choice import KeyChoice
from providers.limits import Exhausted, limit_listener
from providers.plan import Attempt, Plan, PlannedKey, PlannedTarget
from providers.retry import LONGEST_WAIT_S, RetryPolicy
from providers.strategies import order_targets
from providers.surroundings import Surroundings

Result = TypeVar("Result")

Exchange = Callable[[PlannedTarget, str | None, float], Awaitable[Result]]
"""One call to one target: `(target, api_key, timeout_s)`."""

_OTHER_KEY_STATUSES = frozenset({401, 402, 403, 429})
_OTHER_KEY_CLASSES = frozenset({"authentication", "rate_limit", "resource_exhausted"})


class Answered(NamedTuple, Generic[Result]):
    """An exchange that gave a result, the target and the attempt that it belongs to."""

    result: Result
    target: PlannedTarget
    attempt: Attempt
    key_id: str | None


class _Try(NamedTuple):
    target: PlannedTarget
    key: PlannedKey
    claimed: tuple[Circuit, ...]


class Run(Generic[Result]):
    """One call on its way through a plan. `attempts` and `errors` grow while it runs."""

    def __init__(
        self, plan: Plan, exchange: Exchange[Result], around: Surroundings, *, attempts: list[Attempt] | None = None
    ) -> None:
        self.plan = plan
        self.attempts: list[Attempt] = [] if attempts is None else attempts
        self.errors: list[LLMProviderError] = []
        self._exchange = exchange
        self._around = around
        self._ends_at = None if plan.deadline_s is None else around.clock() + plan.deadline_s
        self._too_small_tokens: int | None = None

    async def answer(self) -> Answered[Result]:
        """Try until a target answers. Raises the error that best says why none did, with `attempts` and `errors`."""
        last: LLMProviderError | None = None
        for target, claimed, has_next in self._candidates():
            if not self._is_large_enough(target):
                self._around.health.release(claimed)
                continue
            answered = await self._ask(target, claimed, has_next=has_next)
            if answered is not None:
                return answered
            last = self.errors[-1]
            if not self._goes_on(last, target):
                break
        if last is None:
            last = LLMProviderServiceError(
                f"'{self.plan.requested or 'This call'}' has no target that could be asked. Enable one of its models.",
                code="no_target",
                retryable=False,
            )
            self.errors.append(last)
        raise self.closing_error()

    def closing_error(self) -> LLMProviderError:
        """The first error, since no fallback may hide it, unless it only sent the call to a model with more room."""
        first = next((error for error in self.errors if not error.exceeds_context), self.errors[0])
        return self.with_history(first)

    def with_history(self, error: LLMProviderError) -> LLMProviderError:
        error.attempts = self.attempts
        error.errors = tuple(self.errors)
        return error

    def _candidates(self) -> Iterator[tuple[PlannedTarget, tuple[Circuit, ...], bool]]:
        """Targets in order, those whose circuits are cooling or whose keys are at their limits last."""
        targets = order_targets(self.plan, self._around.state)
        postponed = []
        for index, target in enumerate(targets):
            claimed = self._claim(target)
            if claimed is None:
                postponed.append(target)
            else:
                yield target, claimed, index + 1 < len(targets) or bool(postponed)
        for index, target in enumerate(postponed):
            yield target, (), index + 1 < len(postponed)

    def _claim(self, target: PlannedTarget) -> tuple[Circuit, ...] | None:
        health = self._around.health
        if target.keys and not any(map(self._around.quotas.has_room, target.keys)):
            return None
        if health.is_quiet:
            return ()
        if target.keys and not any(
            key.id is None or health.state(Circuit("key", key.id)) in ("closed", "ready") for key in target.keys
        ):
            return None
        return health.claim(*circuits_of(target))

    def _is_large_enough(self, target: PlannedTarget) -> bool:
        if self._too_small_tokens is None:
            return True
        return target.context_window is not None and target.context_window > self._too_small_tokens

    def _goes_on(self, error: LLMProviderError, target: PlannedTarget) -> bool:
        if error.exceeds_context:
            self._too_small_tokens = max(self._too_small_tokens or 0, target.context_window or 0)
            return True
        remaining = self._remaining_s()
        return self._policy(target).may_fall_back(error) and (remaining is None or remaining > 0)

    async def _ask(
        self, target: PlannedTarget, claimed: tuple[Circuit, ...], *, has_next: bool
    ) -> Answered[Result] | None:
        """Ask one target with its keys and retries; None where it is given up, its error the last of `errors`."""
        keys = KeyChoice(target, self._around, affinity=self.plan.affinity)
        key: PlannedKey | None = None
        retry = 0
        while True:
            try:
                if key is None:
                    key, key_claim = keys.take()
                    claimed += key_claim
                return await self._attempt(_Try(target, key, claimed))
            except LLMProviderError as error:
                failed = error
            if key is None:
                self._note_unasked(failed, target, claimed)
            claimed = ()
            if key is not None and _needs_another_key(failed) and await keys.has_another(key, failed):
                key = None
                continue
            policy = self._policy(target)
            wait = policy.wait_s(
                failed,
                retry,
                remaining_s=self._remaining_s(),
                longest_s=policy.max_delay_s if has_next else LONGEST_WAIT_S,
                rng=self._around.rng,
            )
            if wait is None:
                return None
            await self._around.sleep(wait)
            retry += 1
            if key is None:
                keys.begin_again()

    def _note_unasked(self, error: LLMProviderError, target: PlannedTarget, claimed: Sequence[Circuit]) -> None:
        """A target without a key to ask it with: an attempt in the record, and nothing against anyone's health."""
        attempt = Attempt(target.provider_name, target.model, None, "error", self._around.now())
        note_error(attempt, error)
        self.attempts.append(attempt)
        self.errors.append(error)
        self._around.health.release(claimed)

    async def _attempt(self, turn: _Try) -> Answered[Result]:
        """One exchange, noted as an attempt and in the health of everyone concerned."""
        target, key, claimed = turn
        around = self._around
        attempt = Attempt(target.provider_name, target.model, key.id, "error", around.now())
        started = around.clock()
        timeout_s = target.provider.config.timeout_s
        remaining_s = self._remaining_s()
        is_cut_short = remaining_s is not None and remaining_s < timeout_s
        around.quotas.take(key)
        hearing = limit_listener.set(partial(self._leave_alone, target, key))
        try:
            if remaining_s is None:
                result = await self._exchange(target, _reveal(key), timeout_s)
            else:
                async with asyncio.timeout(remaining_s):
                    result = await self._exchange(target, _reveal(key), min(timeout_s, remaining_s))
        except asyncio.CancelledError:
            attempt.status = "cancelled"
            around.health.release(claimed)
            raise
        except Exception as problem:  # noqa: BLE001 - raised again, within the error tree
            error = as_provider_error(problem, target, deadline_s=self.plan.deadline_s)
            note_error(attempt, error)
            self.errors.append(error)
            if is_cut_short and error.error_class == "timeout":
                around.health.release(claimed)
            else:
                self.blame(error, target, key_id=key.id, claimed=claimed)
            raise error from (problem if problem is not error else error.__cause__)
        else:
            attempt.status = "ok"
            attempt.upstream_status = 200
            self.credit(target, key_id=key.id)
            return Answered(result, target, attempt, key.id)
        finally:
            limit_listener.reset(hearing)
            attempt.latency_ms = (around.clock() - started) * 1000
            self.attempts.append(attempt)

    def _leave_alone(self, target: PlannedTarget, key: PlannedKey, limit: Exhausted) -> None:
        """An answer says that it was the last one for a while: the next call takes another key."""
        circuit = Circuit("model", target.name) if key.id is None else Circuit("key", key.id)
        reason = f"The provider says that its limit is used up ({limit.header}: 0)."
        self._around.health.rest(circuit, limit.wait_s, reason=reason)

    def credit(self, target: PlannedTarget, *, key_id: str | None) -> None:
        if not self._around.health.is_quiet:
            keys = () if key_id is None else (Circuit("key", key_id),)
            self._around.health.succeed(*circuits_of(target), *keys)

    def blame(
        self, error: LLMProviderError, target: PlannedTarget, *, key_id: str | None, claimed: Sequence[Circuit] = ()
    ) -> None:
        self._around.health.fail(
            error, provider=target.provider_name, model=target.model, key_id=key_id, claimed=claimed
        )

    def _remaining_s(self) -> float | None:
        return None if self._ends_at is None else self._ends_at - self._around.clock()

    def _policy(self, target: PlannedTarget) -> RetryPolicy:
        policy = RetryPolicy.from_config(target.provider.config)
        return policy if self.plan.max_retries is None else replace(policy, max_retries=self.plan.max_retries)


def circuits_of(target: PlannedTarget) -> tuple[Circuit, Circuit]:
    return Circuit("provider", target.provider_name), Circuit("model", target.name)


def note_error(attempt: Attempt, error: LLMProviderError) -> None:
    attempt.status = "error"
    attempt.upstream_status = error.status
    attempt.error_class = error.error_class
    attempt.message = error.message
    attempt.request_id = error.request_id


def as_provider_error(
    problem: Exception, target: PlannedTarget, *, deadline_s: float | None = None
) -> LLMProviderError:
    """`problem` within the error tree. A provider's own fault must not keep another target from answering."""
    if isinstance(problem, LLMProviderError):
        return problem
    if isinstance(problem, TimeoutError):
        return LLMProviderTimeoutError(
            f"No answer within the {deadline_s:g} s that the whole call may take."
            if deadline_s is not None
            else "No answer within the time allowed.",
            provider=target.provider_name,
            model=target.model,
            code="deadline",
        )
    return LLMProviderServiceError(
        f"The adapter of {target.provider_name} failed unexpectedly ({type(problem).__name__}). Please report this.",
        provider=target.provider_name,
        model=target.model,
        code="adapter_failure",
        retryable=False,
    )


def _reveal(key: PlannedKey) -> str | None:
    try:
        return key.reveal()
    except LLMProviderError:
        raise
    except Exception as problem:
        raise LLMProviderAuthenticationError(
            f"The API key '{key.label}' can't be read. Enter it again.", code="key_unreadable"
        ) from problem


def _needs_another_key(error: LLMProviderError) -> bool:
    return error.status in _OTHER_KEY_STATUSES or error.error_class in _OTHER_KEY_CLASSES
