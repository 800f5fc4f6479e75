"""Which key a call takes for one target, and which after that: never one that has ended or is at its limit."""

from __future__ import annotations

from providers.errors import LLMProviderAuthenticationError, LLMProviderError, LLMProviderRateLimitError
from providers.health import Circuit
from providers.plan import PlannedKey, PlannedTarget
from providers.strategies import order_keys
from providers.surroundings import Surroundings

_NO_KEY = PlannedKey(id=None)


class KeyChoice:
    """The keys of one target that one call has not tried yet, in the order in which it would."""

    __slots__ = ("_affinity", "_around", "_has_asked", "_target", "_untried")

    def __init__(self, target: PlannedTarget, around: Surroundings, *, affinity: str | None) -> None:
        self._target = target
        self._around = around
        self._affinity = affinity
        self._has_asked = False
        self.begin_again()

    def begin_again(self) -> None:
        """All keys count as untried, for a call that has waited until one has room."""
        keys = list(order_keys(self._target.keys, affinity=self._affinity, rng=self._around.rng))
        self._untried = keys or ([] if self._target.no_key else [_NO_KEY])

    def take(self) -> tuple[PlannedKey, tuple[Circuit, ...]]:
        """The first key that may be used and is not cooling, else the first that may be used, and the claim on its circuit.

        Raises the error tree where none may be used: nobody was asked then.
        """
        usable = [key for key in self._untried if self._is_usable(key)]
        if not usable:
            raise self._none_left()
        for key in usable:
            claimed = () if key.id is None else self._around.health.claim(Circuit("key", key.id))
            if claimed is not None:
                self._untried.remove(key)
                return key, claimed
        self._untried.remove(usable[0])
        return usable[0], ()

    async def has_another(self, after: PlannedKey, error: LLMProviderError) -> bool:
        """Whether another key may be tried after `error` over this one.

        Where none is left, those count that came into use since the call was planned, since this one may have been revoked for
        one of them. They are looked for once, and not over a key that is known to have failed.
        """
        if any(map(self._is_usable, self._untried)):
            return True
        if error.error_class != "authentication" or after.reserve > 1 or self._has_asked:
            return False
        self._has_asked = True
        known = {(one.id, one.edition) for one in self._target.keys}
        renewed = await self._around.renew(self._target)
        self._untried += [one for one in renewed if (one.id, one.edition) not in known]
        return any(map(self._is_usable, self._untried))

    def _is_usable(self, key: PlannedKey) -> bool:
        return not self._has_expired(key) and self._around.quotas.has_room(key)

    def _has_expired(self, key: PlannedKey) -> bool:
        return key.expires_s is not None and key.expires_s <= self._around.now().timestamp()

    def _none_left(self) -> LLMProviderError:
        """Why the provider can't be asked, though it has keys: all at their limits, expired, or not for this model."""
        target = self._target
        full = [key for key in self._untried if not self._has_expired(key)]
        if full:
            return LLMProviderRateLimitError(
                f"Every API key of {target.provider_name} is at the limit that was set for it. Wait, raise a limit, or add a key.",
                code="key_limit_reached",
                retry_after_s=min(self._around.quotas.wait_s(key) for key in full),
                provider=target.provider_name,
                model=target.model,
            )
        labels = " and ".join(repr(key.label) for key in self._untried)
        return LLMProviderAuthenticationError(
            target.no_key or f"The API key {labels} of {target.provider_name} has expired. Rotate it.",
            code="no_usable_key",
            provider=target.provider_name,
            model=target.model,
        )
