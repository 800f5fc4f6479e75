"""Rules for a model's parameters, as data: what is called differently, what is fixed, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.errors import LLMProviderInvalidRequestError

_NEUTRAL: Mapping[str, Any] = {
    "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}, "logprobs": False, "top_logprobs": 0,
}  # fmt: skip
"""What many clients always send, and what means the same as nothing."""


@dataclass(frozen=True, slots=True)
class ParameterRules:
    """How the parameters of a call are rewritten for a vendor or a model.

    `rename` gives a parameter its name on the wire, `fixed` replaces whatever value was sent (a model that only runs at
    temperature 1), `refused` stops the call with a sentence before it is made unless the value is the one that means
    nothing (`top_p = 1`), and `dropped` leaves a parameter out
    that the vendor doesn't take and that a call can do without (`user`; sampling of models that refuse to be tuned).
    `yields` leaves one out where the other is given, for models that refuse both at once (`{top_p: temperature}`).
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    yields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParameterRules:
        return cls(
            rename=dict(data.get("rename", {})),
            fixed=dict(data.get("fixed", {})),
            refused=frozenset(data.get("refused", ())),
            dropped=frozenset(data.get("dropped", ())),
            yields=dict(data.get("yields", {})),
        )

    def __bool__(self) -> bool:
        return bool(self.rename or self.fixed or self.refused or self.dropped or self.yields)

    def __or__(self, other: ParameterRules) -> ParameterRules:
        """Both sets of rules; where they disagree the right one holds."""
        return ParameterRules(
            {**self.rename, **other.rename},
            {**self.fixed, **other.fixed},
            self.refused | other.refused,
            self.dropped | other.dropped,
            {**self.yields, **other.yields},
        )

    def apply(self, params: dict[str, Any], *, model: str = "") -> dict[str, Any]:
        """`params` as the vendor takes them. Raises `LLMProviderInvalidRequestError` for a refused one."""
        if not self:
            return params
        ready: dict[str, Any] = {}
        for name, value in params.items():
            if name in self.dropped or self._is_neutral(name, value):
                continue
            if params.get(self.yields.get(name, "")) is not None:
                continue
            self.check(name, value, model=model)
            ready[self.rename.get(name, name)] = self.fixed.get(name, value)
        return ready

    def check(self, name: str, value: Any, *, model: str = "") -> None:
        if name in self.refused and value is not None and not self._is_neutral(name, value):
            raise LLMProviderInvalidRequestError(
                f"{model or 'This model'} does not take the parameter {name}. Leave it out, or use another model.",
                model=model or None,
                code="unsupported_parameter",
            )

    def _is_neutral(self, name: str, value: Any) -> bool:
        """Whether a refused parameter has a value that changes nothing, so that it can be left out instead."""
        return name in self.refused and name in _NEUTRAL and value == _NEUTRAL[name]
