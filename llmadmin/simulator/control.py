"""What was set for each model at run time: the switch for a fallback drill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from llmadmin.simulator import faults
from llmadmin.simulator.faults import Faults, UnknownWishError

MAX_MODELS = 200


class Board:
    """Wishes by model, and how many calls each model got. `*` stands for every model."""

    def __init__(self) -> None:
        self._wishes: dict[str, Faults] = {}
        self.calls: Counter[str] = Counter()

    def set(self, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """Take `{"model": "sim-large", "status": 503}`; a model without wishes works again.

        Raises `UnknownWishError`.
        """
        model = wishes.get("model")
        if not isinstance(model, str) or not model:
            raise UnknownWishError('Name the model, as in {"model": "sim-large", "status": 503}.')
        wanted = faults.read({name: value for name, value in wishes.items() if name != "model"})
        self._wishes.pop(model, None)
        if wanted != Faults():
            if len(self._wishes) >= MAX_MODELS:
                raise UnknownWishError(f"At most {MAX_MODELS} models can be set; clear one first.")
            self._wishes[model] = wanted
        return self.show()

    def wishes_for(self, model: str) -> Faults:
        return self._wishes.get(model) or self._wishes.get("*") or Faults()

    def count(self, model: str) -> int:
        """Note a call and say the how manieth it is, from 0 on."""
        if model not in self.calls and len(self.calls) >= MAX_MODELS:
            self.calls.clear()
        self.calls[model] += 1
        return self.calls[model] - 1

    def show(self) -> dict[str, Any]:
        wishes = {
            model: {name: value for name, value in asdict(wanted).items() if value not in (None, False)}
            for model, wanted in self._wishes.items()
        }
        return {"simulated": True, "models": wishes, "calls": dict(self.calls)}
