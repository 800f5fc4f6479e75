"""Reading one entry of a config field by field, collecting every problem as a sentence under its path."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.errors import ERROR_CLASS_NAMES


class ConfigError(ValueError):
    """A config that can't be used. `fields` says what is wrong where: path → sentence."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.fields.items()))


class Problems:
    """What is wrong so far. Where `is_strict` is False, fields that we don't know are passed over."""

    def __init__(self, *, is_strict: bool = True) -> None:
        self.is_strict = is_strict
        self.fields: dict[str, str] = {}

    def add(self, path: str, message: str) -> None:
        """Note a problem; of several at one path the first is kept, since the others mostly follow from it."""
        self.fields.setdefault(path, message)

    def raise_if_any(self) -> None:
        if self.fields:
            raise ConfigError(self.fields)


def name_of(value: object) -> str:
    """A name given as text or as a member of an enumeration."""
    return str(getattr(value, "value", value))


class Fields:
    """The fields of one mapping, each taken once under any of its names; `rest` is what nobody took."""

    def __init__(self, raw: object, path: str, *, problems: Problems) -> None:
        self._path = path
        self._problems = problems
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            problems.add(path, f"Must be a mapping of fields, not {_kind(raw)}.")
            raw = {}
        self._left: dict[str, Any] = {str(name): value for name, value in raw.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, *names: str) -> Any:
        """The value under the first of these names that is there, else None; all of them count as taken."""
        values = [self._left.pop(name) for name in names if name in self._left]
        return next((value for value in values if value is not None), None)

    def text(self, *names: str) -> str | None:
        value = name_of(found) if (found := self.take(*names)) is not None else None
        if found is not None and isinstance(found, Mapping | list | tuple | bool):
            self._add(names[0], f"Must be text, not {_kind(found)}.")
            return None
        return value

    def required(self, name: str) -> str:
        was_given = name in self
        value = self.text(name)
        if not value and not (was_given and f"{self._path}.{name}" in self._problems.fields):
            self._add(name, f"Is missing; every entry here needs '{name}'.")
        return value or ""

    def number(self, *names: str, above: float | None = None) -> float | None:
        value = self.take(*names)
        if value is None:
            return None
        try:
            number = float(value) if not isinstance(value, bool) else math.nan
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            self._add(names[0], f"Must be a number, not {_shown(value)}.")
            return None
        if number < 0 or (above is not None and number <= above):
            self._add(names[0], f"Must be {'above 0' if above is not None else '0 or more'}, not {_shown(value)}.")
            return None
        return int(number) if number.is_integer() else number

    def integer(self, name: str, *, above: int | None = None) -> int | None:
        value = self.number(name, above=above)
        if value is None or isinstance(value, int):
            return value
        self._add(name, f"Must be a whole number, not {value}.")
        return None

    def money(self, name: str) -> Decimal | None:
        value = self.take(name)
        if value is None:
            return None
        try:
            amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            self._add(name, f'Must be an amount in USD such as "0.40", not {_shown(value)}.')
            return None
        if amount < 0:
            self._add(name, f"A price can't be negative ({value}); enter 0 for what is free.")
            return None
        return amount

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._add(name, f"Must be true or false, not {_shown(value)}.")
        return False

    def day(self, name: str) -> date | None:
        value = self.take(name)
        if isinstance(value, datetime):
            return value.date()
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            self._add(name, f"Must be a day such as 2026-01-31, not {_shown(value)}.")
            return None

    def mapping(self, *names: str) -> dict[str, Any]:
        value = self.take(*names)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {str(key): item for key, item in value.items()}
        self._add(names[0], f"Must be a mapping, not {_kind(value)}.")
        return {}

    def texts(self, name: str) -> dict[str, str]:
        return {key: str(value) for key, value in self.mapping(name).items()}

    def items(self, name: str) -> list[tuple[str, object]]:
        """The members of a list, each with its path."""
        value = self.take(name)
        if value is None:
            return []
        if isinstance(value, list | tuple):
            return [(f"{self._path}.{name}[{index}]", item) for index, item in enumerate(value)]
        self._add(name, f"Must be a list, not {_kind(value)}.")
        return []

    def words(self, name: str) -> list[str]:
        return [name_of(item) for _, item in self.items(name)]

    def error_classes(self, name: str) -> frozenset[str] | None:
        if name not in self:
            return None
        words = self.words(name)
        if unknown := sorted(set(words) - set(ERROR_CLASS_NAMES)):
            self._add(name, f"Unknown error class {', '.join(unknown)}; use {', '.join(ERROR_CLASS_NAMES)}.")
        return frozenset(words)

    def rest(self) -> dict[str, Any]:
        """What nobody took; nothing in a document, where a newer server may have more fields than we know."""
        return dict(self._left) if self._problems.is_strict else {}

    def refuse_rest(self) -> None:
        for name in self.rest():
            self._add(name, "Is not a field here; check its spelling.")

    def _add(self, name: str, message: str) -> None:
        self._problems.add(f"{self._path}.{name}", message)


def first_repeated(values: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _kind(value: object) -> str:
    names = {str: "text", bool: "a yes or no", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | bool) else _kind(value)
