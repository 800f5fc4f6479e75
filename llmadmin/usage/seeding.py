"""A month of made-up usage for demos: a working week's rhythm, streams, failures, fallbacks, unpriced calls.

The same arguments give the same calls. They go in through `store`, as real ones do, with `seed` as their origin.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

from llmadmin.usage.dimensions import METERS, hour_of
from llmadmin.usage.entry import AttemptEntry, UsageEntry
from llmadmin.usage.services import latest_prices, roll_up_stale, store
from providers.cost import break_down
from providers.entries import PriceConfig
from providers.types import Usage

_BATCH = 500
_WORKDAY = (1, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 13, 15, 14, 12, 9, 6, 4, 3, 2, 2, 1)
_WEEKEND_SHARE = 0.3
_USERS = ("ana", "ben", "chiara", "dmitri", "elif", "farid", "grace", "hiro")
_FAILURES = (
    # class, upstream status, what the vendor says, chance of each try
    ("rate_limit", 429, "Rate limit reached for requests per minute. Please try again in 6s.", 0.012),
    ("service", 503, "The model is currently overloaded. Please try again later.", 0.006),
    ("timeout", None, "No answer within 60 s.", 0.003),
    ("connection", None, "The connection was closed before the answer was complete.", 0.002),
    ("invalid_request", 400, "This model's maximum context length was exceeded by the messages.", 0.003),
)
_INCIDENT = ("service", 503, "Service temporarily unavailable.")


@dataclass(frozen=True, slots=True)
class SeedTarget:
    """One model that the made-up calls go to. `model` is `provider/name`; without a price the newest in the tables holds."""

    provider: str
    model: str
    price: PriceConfig | None = None


def seed(
    targets: Sequence[SeedTarget],
    *,
    aliases: Mapping[str, Sequence[str]],
    agents: Mapping[str, str],
    services: Mapping[str, Sequence[str]],
    days: int = 30,
    per_day: int = 600,
    seed: int = 1,
    now: datetime | None = None,
) -> int:
    """Store about `per_day` calls for each of the last `days` days, roll them up, and return how many there are.

    `aliases` name their models in order, `agents` their alias, `services` the aliases that they may use (none: all).
    """
    now = now or datetime.now(UTC)
    known = latest_prices(target.model for target in targets if target.price is None)
    prices = {target.model: target.price or known.get(target.model) for target in targets}
    usage = _Imagination(random.Random(seed), prices, aliases, agents, services, hour_of(now), days)  # noqa: S311 - no secret
    calls = usage.calls(per_day=per_day, now=now)
    total = 0
    while batch := list(islice(calls, _BATCH)):
        total += store(batch).accepted
    roll_up_stale()
    return total


class _Imagination:
    """Draws calls, hour by hour; incidents and habits are drawn once."""

    def __init__(
        self,
        draw: random.Random,
        prices: Mapping[str, PriceConfig | None],
        aliases: Mapping[str, Sequence[str]],
        agents: Mapping[str, str],
        services: Mapping[str, Sequence[str]],
        last_hour: datetime,
        days: int,
    ) -> None:
        self._draw = draw
        self._prices = prices
        self._aliases = aliases
        self._agents: dict[str, list[str]] = {}
        for agent, alias in agents.items():
            self._agents.setdefault(alias, []).append(agent)
        self._services = [(name, list(allowed) or list(aliases)) for name, allowed in services.items()]
        self._days = days
        self._first_hour = last_hour - timedelta(days=days)
        self._speed = {model: draw.uniform(35, 140) for model in prices}
        self._incidents = {model.partition("/")[0]: self._draw_incidents() for model in prices}

    def calls(self, *, per_day: int, now: datetime) -> Iterator[UsageEntry]:
        for number in range(self._days * 24 + 1):
            hour = self._first_hour + timedelta(hours=number)
            weight = _WORKDAY[hour.hour] * (_WEEKEND_SHARE if hour.weekday() >= 5 else 1.0)
            growth = 0.75 + 0.5 * number / (self._days * 24)
            expected = per_day * 7 / (5 + 2 * _WEEKEND_SHARE) * weight / sum(_WORKDAY) * growth
            count = int(expected * self._draw.uniform(0.75, 1.25) + self._draw.random())
            moments = sorted(hour + timedelta(seconds=self._draw.uniform(0, 3600)) for _ in range(count))
            yield from (self._call(moment) for moment in moments if moment < now)

    def _draw_incidents(self) -> list[tuple[datetime, datetime]]:
        begins = [self._first_hour + timedelta(hours=self._draw.uniform(0, self._days * 24)) for _ in range(2)]
        return [(begin, begin + timedelta(minutes=self._draw.uniform(25, 110))) for begin in begins]

    def _call(self, moment: datetime) -> UsageEntry:
        draw = self._draw
        service, allowed = draw.choices(self._services, weights=range(len(self._services), 0, -1))[0]
        alias = draw.choices(allowed, weights=range(len(allowed), 0, -1))[0]
        agents = self._agents.get(alias, [])
        agent = draw.choice(agents) if agents and draw.random() < 0.7 else ""
        entry = UsageEntry(
            id=uuid.UUID(int=draw.getrandbits(128), version=4),
            started_at=moment,
            origin="seed",
            requested=f"agent:{agent}" if agent else alias,
            alias=alias,
            agent=agent,
            service=service,
            user=draw.choice(_USERS) if draw.random() < 0.6 else "",
            is_stream=draw.random() < 0.45,
            settlement="final",
            request_id=f"seed-{draw.getrandbits(48):012x}",
            config_version=1,
        )
        self._try_targets(entry)
        return entry

    def _try_targets(self, entry: UsageEntry) -> None:
        for model in self._aliases[entry.alias]:
            entry.model, entry.provider = model, model.partition("/")[0]
            attempt = self._attempt(entry)
            entry.attempts.append(attempt)
            if attempt.status == "ok":
                self._answer(entry, attempt)
                break
            entry.error_class, entry.error_message = attempt.error_class, attempt.message
            entry.http_status = attempt.upstream_status or 502
            if attempt.error_class == "invalid_request":
                break
        entry.attempt_count = len(entry.attempts)
        entry.fallback_count = entry.attempt_count - 1
        entry.latency_ms = sum(attempt.latency_ms for attempt in entry.attempts)
        self._price(entry)

    def _attempt(self, entry: UsageEntry) -> AttemptEntry:
        began_at = entry.started_at + timedelta(milliseconds=sum(one.latency_ms for one in entry.attempts))
        attempt = AttemptEntry(entry.provider, entry.model, started_at=began_at)
        failure = self._failure(entry)
        if failure is not None:
            attempt.status = "error"
            attempt.error_class, attempt.upstream_status, attempt.message = failure
            attempt.latency_ms = 60_000.0 if failure[0] == "timeout" else self._draw.uniform(40, 900)
        return attempt

    def _failure(self, entry: UsageEntry) -> tuple[str, int | None, str] | None:
        is_incident = any(begin <= entry.started_at < end for begin, end in self._incidents[entry.provider])
        if is_incident and self._draw.random() < 0.65:
            return _INCIDENT
        chance = self._draw.random()
        for error_class, status, message, share in _FAILURES:
            chance -= share
            if chance < 0:
                return error_class, status, message
        return None

    def _answer(self, entry: UsageEntry, attempt: AttemptEntry) -> None:
        draw = self._draw
        prompt = int(draw.lognormvariate(6.6, 1.0)) + 12
        cached = int(prompt * draw.uniform(0.3, 0.8)) if draw.random() < 0.25 else 0
        entry.input_tokens, entry.cached_input_tokens = prompt - cached, cached
        entry.output_tokens = int(draw.lognormvariate(5.2, 0.9)) + 1
        attempt.ttft_ms = draw.lognormvariate(5.7, 0.45) + prompt / 25
        attempt.latency_ms = attempt.ttft_ms + entry.output_tokens / self._speed[entry.model] * 1000
        attempt.upstream_status = entry.http_status = 200
        entry.ttft_ms = attempt.ttft_ms if entry.is_stream else None
        entry.finish_reason = "stop" if draw.random() < 0.93 else "length"
        entry.status = "recovered" if entry.attempts[:-1] else "ok"
        entry.error_class = entry.error_message = ""
        self._cut_some_streams(entry, attempt)

    def _cut_some_streams(self, entry: UsageEntry, attempt: AttemptEntry) -> None:
        chance = self._draw.random()
        if not entry.is_stream or chance >= 0.022:
            return
        entry.settlement, entry.finish_reason = "estimated", ""
        entry.output_tokens = max(1, entry.output_tokens // 3)
        if chance < 0.016:
            entry.status = attempt.status = "cancelled"
        else:
            entry.status, attempt.status = "truncated", "error"
            entry.error_class = attempt.error_class = "connection"
            entry.error_message = attempt.message = "The stream ended before the answer was complete."

    def _price(self, entry: UsageEntry) -> None:
        found = break_down(Usage(*(getattr(entry, meter) for meter in METERS)), self._prices.get(entry.model))
        entry.cost_usd = found.total_usd if found is not None else None
        entry.rates = {name: _plain(rate) for name, rate in found.rates.items()} if found is not None else None


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
