"""What the router is given and what it gives back: plans with targets and keys, attempts and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from providers.base.provider import LLMProvider
    from providers.entries import PriceConfig
    from providers.errors import LLMProviderError

Response = TypeVar("Response")

AttemptStatus = Literal["ok", "error", "cancelled"]

Side = Literal["", "canary", "stable"]
"""On which side of an alias's canary a call is; empty where there is none."""


@dataclass(frozen=True, slots=True)
class PlannedKey:
    """An API key that may be used. `reveal` gives its text, and is called only when a call is about to be made.

    Keys are chosen by weight among those of the lowest `reserve`: 0 in use, 1 draining, 2 failed; the others are for when
    none of these can be used. `expires_s` is a moment in seconds since the epoch. The limits are over a rolling minute.
    """

    id: str | None
    label: str = "default"
    weight: int = 1
    reveal: Callable[[], str | None] = field(default=lambda: None, repr=False)
    reserve: int = 0
    expires_s: float | None = None
    calls_per_minute: int | None = None
    tokens_per_minute: int | None = None
    edition: str = ""
    """Tells the texts apart that a key of one id has had."""

    @property
    def is_limited(self) -> bool:
        return self.calls_per_minute is not None or self.tokens_per_minute is not None


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """One model at one provider that may answer.

    `params` fill what the request leaves open; the request's own values win. Without `keys` the call goes out with
    whatever key the provider itself was configured with, unless `no_key` says in words why there is none to use.
    """

    provider: LLMProvider
    provider_name: str
    model: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[PlannedKey] = ()
    weight: int = 1
    context_window: int | None = None
    price: PriceConfig | None = None
    no_key: str = ""

    @property
    def name(self) -> str:
        """The target as `provider/model`."""
        return f"{self.provider_name}/{self.model}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one call may be answered: the targets in their configured order and the limits of trying.

    `deadline_s` bounds the whole call, waits included; of a stream, the time until its first chunk. `max_retries` is
    the number of further tries at one target, by default what its provider's config says. Calls of equal `affinity` go
    to the same target as long as it is healthy. Where there is a `canary`, `side` says whether this call tries it
    first; `canary.take_side` draws it.
    """

    targets: Sequence[PlannedTarget]
    strategy: str = "priority"
    deadline_s: float | None = None
    max_retries: int | None = None
    requested: str = ""
    affinity: str | None = None
    canary: PlannedTarget | None = None
    canary_percent: float = 0.0
    side: Side = ""

    @property
    def every_target(self) -> Sequence[PlannedTarget]:
        """All that this call may go to, the canary too."""
        return self.targets if self.canary is None else [self.canary, *self.targets]


@dataclass(slots=True)
class Attempt:
    """One try at one target. A stream's attempt is `ok` from its first chunk on and may still become something else."""

    provider: str
    model: str
    key_id: str | None
    status: AttemptStatus
    started_at: datetime
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    upstream_status: int | None = None
    error_class: str | None = None
    message: str = ""
    request_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The attempt as JSON, as the REST API takes and gives it."""
        return {
            "provider": self.provider,
            "model": self.model,
            "key_id": self.key_id,
            "status": self.status,
            "upstream_status": self.upstream_status,
            "error_class": self.error_class,
            "started_at": self.started_at.isoformat().replace("+00:00", "Z"),
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Response]):
    """A call that was answered: by which target, after which attempts. `errors` are those of the failed attempts."""

    response: Response
    attempts: Sequence[Attempt]
    target: PlannedTarget
    errors: Sequence[LLMProviderError] = ()
