"""Changing prices: what a model's tokens cost, and from when."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone

from llmadmin.catalog import fields as take
from llmadmin.catalog.editing import add, differing, locked, remove, require_free, write
from llmadmin.catalog.fields import Cleaner, FieldError, clean, invalid
from llmadmin.catalog.models import LanguageModel, Price
from llmadmin.catalog.ownership import is_overruled, require_own
from llmadmin.core.fields import Source
from providers.document import plain_decimal
from providers.entries import PRICE_FIELDS

NOUN = "price"
MAX_TIERS = 20


def tiers(value: Any) -> list[dict[str, Any]]:
    """Other rates above a prompt length, as `[{"above_input_tokens": 200000, "input_usd_per_mtok": "6"}]`, in rising order."""
    given = [] if value is None else value
    if not isinstance(given, list | tuple) or len(given) > MAX_TIERS:
        raise FieldError(f"Give a list of at most {MAX_TIERS} tiers.")
    found = [_tier(item, str(place)) for place, item in enumerate(given)]
    levels = [tier["above_input_tokens"] for tier in found]
    if len(set(levels)) != len(levels):
        raise FieldError("Give each prompt length once.")
    return sorted(found, key=lambda tier: tier["above_input_tokens"])


def _tier(item: Any, place: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise FieldError('Give a tier as {"above_input_tokens": 200000, "input_usd_per_mtok": "6"}.', path=place)
    unknown = next((name for name in item if name != "above_input_tokens" and name not in PRICE_FIELDS), None)
    if unknown is not None:
        raise FieldError("Is no field of a tier. Leave it out.", path=f"{place}.{unknown}")
    try:
        tier: dict[str, Any] = {"above_input_tokens": _LEVEL(item.get("above_input_tokens"))}
    except FieldError as problem:
        raise FieldError(problem.sentence, path=f"{place}.above_input_tokens") from None
    for name in PRICE_FIELDS:
        try:
            rate = take.money(item.get(name))
        except FieldError as problem:
            raise FieldError(problem.sentence, path=f"{place}.{name}") from None
        if rate is not None:
            tier[name] = plain_decimal(rate)
    if len(tier) == 1:
        raise FieldError("Give at least one rate.", path=place)
    return tier


_LEVEL = take.whole(least=1, most=2_000_000_000)
CLEANERS: dict[str, Cleaner] = {
    "effective_from": take.moment,
    **dict.fromkeys(PRICE_FIELDS, take.money),
    "tiers": tiers,
    "source": take.source,
}


def set_price(
    model: LanguageModel,
    *,
    effective_from: dt.datetime | dt.date | str | None = None,
    input_usd_per_mtok: Decimal | str | None = None,
    output_usd_per_mtok: Decimal | str | None = None,
    source: str = "ui",
    price_id: uuid.UUID | None = None,
    **fields: Any,
) -> Price:
    """A price that holds from `effective_from` (None: now) until the next one; one of the same moment is replaced.

    The other meters are `cached_input_usd_per_mtok`, `cache_write_usd_per_mtok`, `reasoning_usd_per_mtok`, and `tiers`.
    Raises InvalidError.
    """
    given = {
        "effective_from": timezone.now() if effective_from in (None, "") else effective_from,
        "input_usd_per_mtok": input_usd_per_mtok,
        "output_usd_per_mtok": output_usd_per_mtok,
        "source": source,
        **fields,
    }
    values = clean(given, CLEANERS, noun="A price")
    _check_rates(values)
    _require_own_price(model)
    held = Price.objects.filter(model=model, effective_from=values["effective_from"]).first()
    if held is not None:
        return update_price(held, **{**dict.fromkeys(PRICE_FIELDS), "tiers": [], **values})
    price = Price(model=model, id=price_id or uuid.uuid4(), **values)
    add(price, noun=NOUN)
    return price


def _require_own_price(model: LanguageModel) -> None:
    """A file that names a model's price names the one that holds: another one beside it would hide it."""
    if is_overruled():
        return
    theirs = Price.objects.filter(model=model, source=Source.FILE).first()
    if theirs is not None:
        require_own(theirs, noun=NOUN, called=f"the price of {model}")


def update_price(price: Price, *, expected_revision: int | None = None, **fields: Any) -> Price:
    """Correct a price and return it as it is now. Past records keep their cost until `recost` is asked for.

    Raises InvalidError, StaleError, ConflictError, MissingError.
    """
    current = locked(price, noun=NOUN, expected_revision=expected_revision, related=["model__provider"])
    values = differing(current, clean(fields, CLEANERS, noun="A price"))
    if not values:
        return current
    _check_rates({name: values.get(name, getattr(current, name)) for name in PRICE_FIELDS})
    if "effective_from" in values:
        at = values["effective_from"]
        same = Price.objects.filter(model=current.model, effective_from=at)
        require_free(same, noun=NOUN, field="effective_from", value=f"{current.model} from {at:%Y-%m-%d %H:%M}")
    write(current, values, noun=NOUN)
    return current


def delete_price(price: Price, *, expected_revision: int | None = None) -> None:
    """Delete a price: the one before it holds again. Raises StaleError, MissingError."""
    remove(locked(price, noun=NOUN, expected_revision=expected_revision, related=["model__provider"]), noun=NOUN)


def _check_rates(values: Mapping[str, Any]) -> None:
    if values["input_usd_per_mtok"] is None and values["output_usd_per_mtok"] is None:
        raise invalid({"input_usd_per_mtok": "Give at least the price of input or of output; 0 for what is free."})
