"""What if this were down: providers and keys taken for switched off, to see where calls would go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from llmadmin.core.errors import InvalidError
from providers.plan import Plan, PlannedTarget

MAX_NAMES = 200
_KINDS = ("provider", "key")


@dataclass(frozen=True, slots=True)
class Outage:
    """Providers by slug and keys by id that are imagined away. Nothing is switched off by it."""

    providers: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.providers or self.keys)

    @classmethod
    def of(cls, names: Iterable[str]) -> Outage:
        """From names such as `provider:openai` and `key:<id>`. Raises InvalidError under `without`."""
        found: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        given = list(dict.fromkeys(name.strip() for name in names if name.strip()))
        if len(given) > MAX_NAMES:
            raise InvalidError.of(without=f"Name at most {MAX_NAMES} providers and keys.")
        for name in given:
            kind, colon, value = name.partition(":")
            if kind not in found or not colon or not value:
                raise InvalidError.of(without="Write provider:SLUG or key:ID, several with commas between.")
            found[kind].add(value)
        return cls(frozenset(found["provider"]), frozenset(found["key"]))

    @classmethod
    def from_text(cls, text: str) -> Outage:
        """From `provider:openai,key:…`, as it stands in an address. Raises InvalidError."""
        return cls.of(text.split(","))

    @property
    def names(self) -> list[str]:
        """As `of` reads them, sorted."""
        return [*(f"provider:{slug}" for slug in sorted(self.providers)), *(f"key:{key}" for key in sorted(self.keys))]

    def takes(self, provider: str) -> bool:
        return provider in self.providers

    def applied(self, plan: Plan) -> Plan:
        """The plan as it would be: without the targets of those providers, and without those keys."""
        targets = [left for target in plan.targets if (left := self._left(target)) is not None]
        canary = self._left(plan.canary) if plan.canary is not None else None
        return replace(plan, targets=tuple(targets), canary=canary)

    def _left(self, target: PlannedTarget) -> PlannedTarget | None:
        """The target with the keys that it has left, or None where nothing of it is."""
        keys = tuple(key for key in target.keys if key.id not in self.keys)
        if target.provider_name in self.providers or (target.keys and not keys):
            return None
        return target if len(keys) == len(target.keys) else replace(target, keys=keys)
