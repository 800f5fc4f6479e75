"""Which of the eight series colours a name wears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SERIES_COLOURS = 8
OTHER = "series-other"


def colour_classes(names: Iterable[str], *, order: Sequence[str] = ()) -> dict[str, str]:
    """A class for each name: those of `order` keep their place in it everywhere, the rest take what is free.

    Names beyond the eighth colour share the grey of "other".
    """
    fixed = {name: index for index, name in enumerate(order)}
    wanted = list(dict.fromkeys(names))
    free = iter(range(len(fixed), SERIES_COLOURS))
    return {name: _class_at(fixed[name] if name in fixed else next(free, SERIES_COLOURS)) for name in wanted}


def _class_at(index: int) -> str:
    return f"series-{index + 1}" if index < SERIES_COLOURS else OTHER
