"""One call and its record: opened in the journal before the upstream is asked, settled before the caller has the end.

However a call ends it is settled exactly once: answered, failed, cut short by the provider, or given up by the caller.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from llmadmin.core.redaction import redact_text
from llmadmin.gateway.callers import Caller
from llmadmin.gateway.errors import GatewayError, from_provider, internal
from llmadmin.gateway.identities import new_id
from llmadmin.gateway.retirement import retirement_headers
from llmadmin.gateway.runtime import Runtime
from llmadmin.gateway.snapshot import Snapshot
from llmadmin.usage.entry import AttemptEntry, UsageEntry
from providers.config import Resolution
from providers.cost import settle_price
from providers.errors import LLMProviderError
from providers.router import Attempt, Plan, PlannedTarget
from providers.types import Usage

MAX_TEXT_CHARS = 1_000
CALLER_GONE = 499
"""What nginx writes into its log for a caller who closed the connection; nobody receives it."""


class Call:
    """A call on its way. `attempts` is filled by the router while it runs."""

    __slots__ = (
        "attempts", "cache", "caller", "entry", "is_settled", "plan", "resolution", "runtime", "snapshot", "started",
    )  # fmt: skip

    def __init__(
        self,
        caller: Caller,
        resolution: Resolution,
        plan: Plan,
        *,
        runtime: Runtime,
        snapshot: Snapshot,
        endpoint: str,
        request_id: str,
        origin: str = "gateway",
        user: str | None = None,
        is_stream: bool = False,
    ) -> None:
        self.started = time.perf_counter()
        self.caller = caller
        self.resolution = resolution
        self.plan = plan
        self.runtime = runtime
        self.snapshot = snapshot
        self.attempts: list[Attempt] = []
        self.is_settled = False
        self.cache = b"off"
        """What the cache did: `hit`, `miss`, or `off` where the alias keeps no answers."""
        first = plan.canary if plan.side == "canary" else next(iter(plan.targets), None)
        self.entry = UsageEntry(
            id=new_id(),
            started_at=datetime.now(UTC),
            origin=origin,
            requested=resolution.requested,
            provider=first.provider_name if first else "",
            model=first.name if first else "",
            alias=resolution.alias or "",
            agent=resolution.agent or "",
            service=caller.service,
            team=caller.team,
            user=redact_text(_storable(user))[:200] if user else "",
            is_stream=is_stream,
            endpoint=endpoint,
            config_version=snapshot.version,
            side=plan.side or None,
            request_id=request_id,
        )
        runtime.journal.open(self.entry)

    def name_target(self) -> None:
        """Write into the record who was asked last: from then on the one who answers, or who failed last."""
        if self.attempts:
            last = self.attempts[-1]
            self.entry.provider, self.entry.model = last.provider, f"{last.provider}/{last.model}"
            self.entry.key_id = uuid_of(last.key_id)

    # How it ends

    def answer(
        self,
        *,
        target: PlannedTarget,
        usage: Usage,
        is_estimated: bool,
        finish_reason: str = "",
        ttft_ms: float | None = None,
    ) -> None:
        """A whole answer came."""
        entry = self.entry
        entry.status = "recovered" if len(self.attempts) > 1 else "ok"
        entry.settlement = "estimated" if is_estimated else "final"
        entry.http_status = 200
        entry.finish_reason = finish_reason
        self._settle(usage, target, ttft_ms=ttft_ms)

    def fail(self, error: Exception) -> GatewayError:
        """No answer came. Returns what to tell the caller."""
        told = from_provider(error) if isinstance(error, LLMProviderError) else internal()
        self._note_error(error)
        self.entry.status, self.entry.settlement, self.entry.http_status = "error", "final", told.status
        self._settle(Usage(), None)
        return self._with_headers(told)

    def cut_short(self, error: Exception, *, seen: Usage, ttft_ms: float | None) -> GatewayError:
        """The provider broke off after the answer had begun. Returns what to tell the caller."""
        told = from_provider(error) if isinstance(error, LLMProviderError) else internal()
        self._note_error(error)
        self.entry.status, self.entry.settlement, self.entry.http_status = "truncated", "aborted", 200
        self._settle(seen, self._last_target(), ttft_ms=ttft_ms)
        return told

    def give_up(self, *, seen: Usage, ttft_ms: float | None = None) -> None:
        """The caller hung up."""
        self.entry.status, self.entry.settlement, self.entry.http_status = "cancelled", "aborted", CALLER_GONE
        self._settle(seen, self._last_target(), ttft_ms=ttft_ms)

    # What the caller is told beside the answer

    @property
    def fallbacks(self) -> int:
        return fallbacks_of(self.attempts)

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def headers(self, *, has_cost: bool) -> list[tuple[bytes, bytes]]:
        """The response headers of section 7; the cost only where it is known and the answer is whole."""
        entry = self.entry
        upstream_ms = sum(attempt.latency_ms for attempt in self.attempts)
        overhead_ms = max(0.0, self.elapsed_ms() - upstream_ms)
        headers = [
            (b"x-request-id", entry.request_id.encode("latin-1", "replace")),
            (b"x-llmadmin-provider", header_text(entry.provider)),
            (b"x-llmadmin-model", header_text(entry.model)),
            (b"x-llmadmin-attempts", b"%d" % len(self.attempts)),
            (b"x-llmadmin-fallbacks", b"%d" % self.fallbacks),
            (b"x-llmadmin-config-version", b"%d" % self.snapshot.version),
            (b"x-llmadmin-cache", self.cache),
            (b"x-llmadmin-overhead-ms", b"%.2f" % overhead_ms),
        ]
        if entry.alias:
            headers.append((b"x-llmadmin-alias", header_text(entry.alias)))
            headers += retirement_headers(self.snapshot, entry.alias)
        if has_cost and entry.cost_usd is not None:
            headers.append((b"x-llmadmin-cost-usd", format(entry.cost_usd, "f").encode()))
        return headers

    def _with_headers(self, told: GatewayError) -> GatewayError:
        told.headers |= {name.decode(): value.decode("latin-1") for name, value in self.headers(has_cost=False)}
        return told

    # The record

    def _last_target(self) -> PlannedTarget | None:
        """The target that was asked last, by whose price an unfinished call is counted."""
        if not self.attempts:
            return None
        last = self.attempts[-1]
        found = (t for t in self.plan.every_target if (t.provider_name, t.model) == (last.provider, last.model))
        return next(found, None)

    def _note_error(self, error: Exception) -> None:
        entry = self.entry
        if isinstance(error, LLMProviderError):
            entry.error_class = error.error_class
            entry.error_message = _storable(redact_text(error.message))
        else:
            entry.error_class = "service"
            entry.error_message = f"Failed inside llmadmin ({type(error).__name__}); see the log."

    def _settle(self, usage: Usage, target: PlannedTarget | None, *, ttft_ms: float | None = None) -> None:
        entry, attempts = self.entry, self.attempts
        self.is_settled = True
        entry.latency_ms = self.elapsed_ms()
        entry.ttft_ms = ttft_ms
        entry.attempts = [entry_of(attempt) for attempt in attempts]
        entry.attempt_count = len(attempts)
        entry.fallback_count = self.fallbacks
        self.name_target()
        self.runtime.key_notes.note(attempts, self.snapshot)
        entry.input_tokens = usage.input_tokens
        entry.cached_input_tokens = usage.cached_input_tokens
        entry.cache_write_tokens = usage.cache_write_tokens
        entry.output_tokens = usage.output_tokens
        entry.reasoning_tokens = usage.reasoning_tokens
        self._price(usage, target)
        self.runtime.count(entry)
        self.runtime.journal.settle(entry)

    def _price(self, usage: Usage, target: PlannedTarget | None) -> None:
        """The cost by the price in force, with the rates used. A call that used nothing cost nothing."""
        if usage == _NOTHING:
            self.entry.cost_usd = Decimal(0)
            return
        found = settle_price(usage, target.price) if target is not None else None
        if found is not None:
            self.entry.cost_usd, self.entry.rates = found


_NOTHING = Usage()


def fallbacks_of(attempts: Sequence[Attempt]) -> int:
    """How often the call went on to another target."""
    if len(attempts) < 2:
        return 0
    names = [(attempt.provider, attempt.model) for attempt in attempts]
    return sum(one != other for one, other in itertools.pairwise(names))


def entry_of(attempt: Attempt) -> AttemptEntry:
    return AttemptEntry(
        provider=attempt.provider,
        model=f"{attempt.provider}/{attempt.model}",
        status=attempt.status,
        key_id=uuid_of(attempt.key_id),
        upstream_status=attempt.upstream_status,
        error_class=attempt.error_class or "",
        message=_storable(redact_text(attempt.message)) if attempt.message else "",
        upstream_request_id=_storable(attempt.request_id)[:128] if attempt.request_id else "",
        started_at=attempt.started_at,
        latency_ms=attempt.latency_ms,
        ttft_ms=attempt.ttft_ms,
    )


@lru_cache(maxsize=1024)
def uuid_of(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def header_text(name: str) -> bytes:
    """A name as a header's value: what isn't plain text shows as a question mark."""
    return "".join(char if " " <= char <= "~" else "?" for char in name).encode()


def _storable(text: str) -> str:
    """Without NUL, which PostgreSQL does not store, and bounded."""
    return text.replace("\x00", "")[:MAX_TEXT_CHARS]
