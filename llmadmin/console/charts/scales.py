"""Where a value stands on an axis that ends at a round number."""

from __future__ import annotations

import math

STEPS = (1, 2, 2.5, 5, 10)
GRID_LINES = 3


def round_step(maximum: float, *, lines: int = GRID_LINES) -> float:
    """The distance of grid lines: 1, 2, 2.5 or 5 times a power of ten, so that `lines` of them reach the maximum."""
    if maximum <= 0 or not math.isfinite(maximum):
        return 1.0 / lines
    raw = maximum / lines
    power = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in STEPS if step * power >= raw * (1 - 1e-9))


def ticks(maximum: float, *, lines: int = GRID_LINES, whole: bool = False) -> list[float]:
    """Zero and the grid lines above it; the last one is at or above the maximum. `whole` is for counts of things."""
    step = round_step(maximum, lines=lines)
    if whole:
        step = max(1.0, math.ceil(step))
    count = max(1, math.ceil(maximum / step - 1e-9)) if maximum > 0 else 1
    return [step * index for index in range(count + 1)]


def shown_labels(count: int, *, at_most: int = 6) -> list[int]:
    """Positions on the time axis that carry a label, evenly apart and beginning with the first."""
    if count <= at_most:
        return list(range(count))
    apart = math.ceil(count / at_most)
    return list(range(0, count, apart))
