"""US dollars that add up to the last digit on every database.

SQLite has no decimal type: what looks like one is a float with 15 digits, and sums of floats drift. There the amount is
kept as a whole number of picodollars (12 places), which it adds exactly; one amount may reach 9 million dollars.
PostgreSQL keeps its own `numeric`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from llmadmin.core.fields import MoneyField

PLACES = 12
_STEP = Decimal(1).scaleb(-PLACES)
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)


def to_places(amount: Decimal) -> Decimal:
    """The amount with 12 places, as every database gives it back."""
    return amount.quantize(_STEP, context=_EXACT)


def to_picodollars(amount: Decimal) -> int:
    """The whole number that SQLite keeps for an amount."""
    return int(to_places(amount).scaleb(PLACES, context=_EXACT))


def money_text(amount: Decimal | None) -> str | None:
    """The amount for JSON: all its digits, no exponent and no trailing zeros; None stays None."""
    if amount is None:
        return None
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


class ExactMoneyField(MoneyField):
    """A `MoneyField` whose sums are exact on SQLite too."""

    def get_internal_type(self) -> str:
        return "ExactMoneyField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "bigint" if connection.vendor == "sqlite" else f"numeric({self.max_digits}, {self.decimal_places})"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 - Django's own signature
        if value is None or hasattr(value, "as_sql"):
            return value
        amount = self.to_python(value)
        return to_picodollars(amount) if connection.vendor == "sqlite" else amount

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.get_db_prep_value(value, connection)

    def from_db_value(
        self, value: Any, _expression: models.Expression, _connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(value).scaleb(-PLACES, context=_EXACT)
