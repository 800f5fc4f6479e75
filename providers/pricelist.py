"""List prices of the provider folders beside those of the installed genai-prices: what differs, and taking it over.

A price list is a text that people keep (`models.toml`), so nothing is taken without being shown first. What is taken
becomes a further dated price; the ones before it stay, since calls of their time were made at them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from providers.base.models import ListPrice, ModelEntry, load_models
from providers.folders import Folder

METERS = {
    "input_usd_per_mtok": "input_mtok",
    "cached_input_usd_per_mtok": "cache_read_mtok",
    "cache_write_usd_per_mtok": "cache_write_mtok",
    "output_usd_per_mtok": "output_mtok",
}
"""Our meters and the package's; what else it prices (audio, searches) is no meter of ours."""

ALWAYS = date(2020, 1, 1)
"""From when a price holds that the package gives no first day for."""

Rates = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Rate:
    """A price without its day: USD per million tokens by meter, and by meter for calls above so many input tokens."""

    base: Rates
    tiers: Mapping[int, Rates]

    def rows(self) -> Iterator[tuple[str, Decimal]]:
        """Each figure with its name, tiers as `input_usd_per_mtok above 200000`."""
        yield from self.base.items()
        for above, rates in sorted(self.tiers.items()):
            yield from ((f"{meter} above {above}", rate) for meter, rate in rates.items())


@dataclass(frozen=True, slots=True)
class Difference:
    """A model whose price the package gives otherwise than `models.toml`, and from when."""

    slug: str
    model: str
    effective_from: date
    ours: Rate
    theirs: Rate

    def rows(self) -> list[tuple[str, Decimal | None, Decimal | None]]:
        """The figures that differ: name, ours, theirs."""
        ours, theirs = dict(self.ours.rows()), dict(self.theirs.rows())
        names = [*theirs, *(name for name in ours if name not in theirs)]
        return [(name, ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Which models a folder and the package don't both know.

    `lacking` are models that the package prices and `models.toml` doesn't name, `alone` those that only `models.toml`
    names, `retired` those of ours that the package says the vendor gave up.
    """

    slug: str
    lacking: tuple[str, ...]
    alone: tuple[str, ...]
    retired: tuple[str, ...]


def differences(folder: Folder, package: Sequence[Any], *, today: date) -> list[Difference]:
    """What differs for one folder. `package` are genai-prices' providers.

    Models that one of both does not know, or knows no price of, are passed over: `gaps` names them.
    """
    slug = folder.metadata.slug
    found: list[Difference] = []
    for entry in load_models(folder.path).models.values():
        model = _model_of(slug, entry.name, package)
        if model is not None and entry.prices:
            found += differences_of(slug, entry, model, today=today)
    return found


def gaps(folder: Folder, package: Sequence[Any], *, today: date) -> Gaps:
    """Which models only one of both knows; of the package's, those that are offered and sold by the token."""
    slug = folder.metadata.slug
    catalogue = load_models(folder.path)
    pairs = {name: _model_of(slug, name, package) for name in catalogue.models}
    known = {model.id for model in pairs.values() if model is not None}
    theirs = next((provider.models for provider in package if provider.id == slug), ())
    return Gaps(
        slug,
        lacking=tuple(
            model.id
            for model in theirs
            if model.id not in known and not model.deprecated and _is_sold(model, today=today)
        ),
        alone=tuple(name for name, model in pairs.items() if model is None),
        retired=tuple(name for name, model in pairs.items() if model is not None and model.deprecated),
    )


def _model_of(slug: str, name: str, package: Sequence[Any]) -> Any:
    """The package's model of this name, also where the package has it with the maker of a model that is sold on.

    A name with its seller behind a colon (`openai/gpt-oss-120b:groq`) is listed there under `<slug>_<seller>`.
    """
    whole, _, seller = name.rpartition(":")
    for provider in package:
        if whole and provider.id == f"{slug}_{seller}":
            return provider.find_model(whole)
        if provider.id == slug:
            return provider.find_model(name, all_providers=package)
    return None


def _is_sold(model: Any, *, today: date) -> bool:
    return any(rate.base for _, rate in _periods(model, today=today))


def differences_of(slug: str, entry: ModelEntry, model: Any, *, today: date) -> Iterator[Difference]:
    """Where the prices of one of the package's models are not those of `entry`, from the first such day on."""
    for first_day, rate in _periods(model, today=today):
        ours = _our_rate(entry.price_on(first_day))
        theirs = _completed(rate, ours)
        if rate.base and theirs != ours:
            yield Difference(slug, entry.name, first_day, ours, theirs)


def _completed(theirs: Rate, ours: Rate) -> Rate:
    """Their price with our figures for meters that they say nothing of: silence is no difference."""
    silent = ours.base.keys() - theirs.base.keys()
    tiers = {
        above: {**rates, **{meter: rate for meter, rate in ours.tiers.get(above, {}).items() if meter in silent}}
        for above, rates in theirs.tiers.items()
    }
    return Rate({**theirs.base, **{meter: ours.base[meter] for meter in silent}}, tiers)


def _periods(model: Any, *, today: date) -> list[tuple[date, Rate]]:
    """The package's prices with their first days.

    One without a first day is what holds now, so it is compared as of today, unless a dated one took its place before.
    """
    prices = model.prices if isinstance(model.prices, list) else [model.prices]
    dated: list[tuple[date, Rate]] = []
    always: Rate | None = None
    for item in prices:
        constraint = getattr(item, "constraint", None)
        rate = _their_rate(getattr(item, "prices", item))
        if constraint is None:
            always = rate
        elif (first_day := getattr(constraint, "start_date", None)) is not None:
            dated.append((first_day, rate))
    if always is not None and not any(first_day <= today for first_day, _ in dated):
        dated.append((today, always))
    return sorted(dated, key=lambda period: period[0])


def _our_rate(price: ListPrice | None) -> Rate:
    if price is None:
        return Rate({}, {})
    base = {meter: rate for meter in METERS if (rate := getattr(price, meter)) is not None}
    tiers = {
        tier["above_input_tokens"]: {meter: tier[meter] for meter in METERS if meter in tier} for tier in price.tiers
    }
    return Rate(base, tiers)


def _their_rate(price: Any) -> Rate:
    base: dict[str, Decimal] = {}
    tiers: dict[int, dict[str, Decimal]] = {}
    for meter, name in METERS.items():
        value = getattr(price, name, None)
        if value is None:
            continue
        base[meter] = Decimal(getattr(value, "base", value))
        for tier in getattr(value, "tiers", ()):
            tiers.setdefault(tier.start, {})[meter] = Decimal(tier.price)
    return Rate(base, tiers)


def take(path: Path, found: Iterable[Difference]) -> None:
    """Write the package's prices into a `models.toml`, each as a price of its model with the day from which it holds.

    A price of the same day is replaced; everything else in the file stays as it is, comments included.
    """
    text = path.read_text(encoding="utf-8")
    for difference in found:
        text = _with_price(text, difference)
    path.write_text(text, encoding="utf-8")
    load_models.cache_clear()


_TABLE = re.compile(r"^\[\[(models|models\.prices|families)\]\]$", re.MULTILINE)


def _with_price(text: str, difference: Difference) -> str:
    block = _block(difference)
    start, end = _span_of(text, difference.model)
    section = text[start:end]
    kept = [part for part in _parts(section) if not _is_of(part, difference.effective_from)]
    tail = section[len(section.rstrip("\n")) :]
    return text[:start] + "".join(kept).rstrip("\n") + "\n" + block + (tail[1:] or "") + text[end:]


def _span_of(text: str, model: str) -> tuple[int, int]:
    """Where a model's table begins and ends, its prices included."""
    heads = [found for found in _TABLE.finditer(text) if found[1] != "models.prices"]
    ends = [head.start() for head in heads[1:]] + [len(text)]
    name = re.compile(rf"^name = {re.escape(_quoted(model))}$", re.MULTILINE)
    for head, end in zip(heads, ends, strict=True):
        if name.search(text, head.start(), end):
            return head.start(), end
    raise LookupError(f"models.toml has no table of {model!r}.")


def _parts(section: str) -> list[str]:
    """A model's table without its prices, then each of these."""
    cuts = [0, *(found.start() for found in _TABLE.finditer(section) if found[1] == "models.prices"), len(section)]
    return [section[one:other] for one, other in itertools.pairwise(cuts)]


def _is_of(part: str, day: date) -> bool:
    return part.startswith("[[models.prices]]") and f"effective_from = {day.isoformat()}" in part.splitlines()


def _block(difference: Difference) -> str:
    rate = difference.theirs
    lines = ["[[models.prices]]", f"effective_from = {difference.effective_from.isoformat()}"]
    lines += [f"{meter} = {_quoted(format(value, 'f'))}" for meter, value in rate.base.items()]
    if rate.tiers:
        lines.append("tiers = [")
        for above, rates in sorted(rate.tiers.items()):
            figures = [f"{meter} = {_quoted(format(value, 'f'))}" for meter, value in rates.items()]
            lines.append(f"  {{{', '.join([f'above_input_tokens = {above}', *figures])}}},")
        lines.append("]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"'
