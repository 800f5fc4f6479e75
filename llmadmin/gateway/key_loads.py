"""The load of keys with a limit, shared by all servers through Redis, so that a limit holds for all of them together.

Each server writes what it sent over a key in the last minute and reads what the others did, once a second and never on the
path of a call. So a limit may be overshot by what the servers send within that second. Without Redis there is one server.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings

from providers.quotas import KeyQuotas, Load

SHARE_EVERY_S = 1.0
HOLDS_S = 5.0
_EXPIRES_S = 70


class KeyLoads:
    """One for each server process; `share` runs in the runtime's thread."""

    def __init__(self, *, url: str | None = None) -> None:
        self._url = settings.REDIS_URL if url is None else url
        self._name = uuid.uuid4().hex
        self._redis: Any = None

    @property
    def is_shared(self) -> bool:
        return bool(self._url)

    def exchange(self, ours: dict[str, Load]) -> dict[str, Load]:
        """Tell the others our loads, and answer theirs. Blocking; raises redis.RedisError."""
        if self._redis is None:
            import redis

            self._redis = redis.from_url(self._url, socket_timeout=2, decode_responses=True)
        pipeline = self._redis.pipeline(transaction=False)
        prefix = str(settings.CACHES["default"].get("KEY_PREFIX", "llmadmin"))
        for key_id, load in ours.items():
            pipeline.set(f"{prefix}:key-load:{key_id}:{self._name}", f"{load.calls} {load.tokens}", ex=int(HOLDS_S))
            pipeline.sadd(f"{prefix}:key-load:{key_id}", self._name)
            pipeline.expire(f"{prefix}:key-load:{key_id}", _EXPIRES_S)
            pipeline.smembers(f"{prefix}:key-load:{key_id}")
        answers = pipeline.execute()
        others: dict[str, set[str]] = {
            key_id: answers[4 * place + 3] - {self._name} for place, key_id in enumerate(ours)
        }
        return {key_id: self._sum(prefix, key_id, names) for key_id, names in others.items()}

    def _sum(self, prefix: str, key_id: str, names: set[str]) -> Load:
        if not names:
            return Load()
        said = self._redis.mget([f"{prefix}:key-load:{key_id}:{name}" for name in sorted(names)])
        parts = [text.split() for text in said if text]
        return Load(sum(int(calls) for calls, _ in parts), sum(int(tokens) for _, tokens in parts))


def take_in(quotas: KeyQuotas, others: dict[str, Load]) -> None:
    """Count what the others said, in the event loop's own thread."""
    for key_id, load in others.items():
        quotas.note_elsewhere(key_id, load, for_s=HOLDS_S)
