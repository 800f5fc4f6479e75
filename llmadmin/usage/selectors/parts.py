"""One set of calls, split along several dimensions at once: who made them, and by which name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from llmadmin.usage.dimensions import HOUR, HOUR_KEY
from llmadmin.usage.folding import counted, fold_calls
from llmadmin.usage.selectors.summary import stale_hours, totals_of
from llmadmin.usage.selectors.totals import Filters, Totals, filtered, hours, sum_by

_COUNTED = ("calls", "errors", "unpriced_calls", "cost_usd")


@dataclass(slots=True)
class Parts:
    """The calls in all, and for each dimension those of each name. Only calls, errors and cost are counted."""

    total: Totals = field(default_factory=Totals)
    by: dict[str, dict[str, Totals]] = field(default_factory=dict)

    def add(self, names: Mapping[str, str], more: Totals) -> None:
        self.total += more
        for dimension, name in names.items():
            known = self.by[dimension].setdefault(name, Totals())
            known += more


def parts(*, from_at: datetime, to_at: datetime, by: Sequence[str], filters: Filters | None = None) -> Parts:
    """The calls of full UTC hours between two moments, from the rollup; hours that it is behind with from the records.

    However many names there are, the number of queries is the same.
    """
    found = Parts(by={dimension: {} for dimension in by})
    stale = stale_hours(from_at, to_at)
    rows = hours(from_at=from_at, to_at=to_at, filters=filters).exclude(hour__in=stale)
    for names, totals in sum_by(rows, keys=by, of=_COUNTED):
        found.add(dict(zip(by, names, strict=True)), totals)
    for hour in stale:
        calls = filtered(counted(from_at=hour, to_at=hour + HOUR), filters)
        for values, sums in fold_calls(calls).items():
            known = dict(zip(HOUR_KEY, values, strict=True))
            found.add({dimension: known[dimension] for dimension in by}, totals_of(sums, status=known["status"]))
    return found
